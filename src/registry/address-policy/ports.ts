// Below 1024 only what HTTP has for itself; from there on what fetch blocks (https://fetch.spec.whatwg.org/#port-blocking) and where
// databases, queues and control planes listen that do something on a POST, or on the bytes of one. All below 32768, where systems begin
// to give ports out by themselves.
const blockedPorts: ReadonlySet<number> = new Set([
  1433, 1434, 1521, 1719, 1720, 1723, 2049, 2181, 2375, 2376, 2377, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 4369,
  5060, 5061, 5432, 5433, 5671, 5672, 5900, 5901, 5984, 5985, 5986, 6000, 6001, 6379, 6380, 6443, 6566, 6665, 6666,
  6667, 6668, 6669, 6679, 6697, 7000, 7001, 7199, 8086, 8300, 8301, 8302, 8500, 8600, 9042, 9092, 9160, 9200, 9300,
  9418, 10080, 10250, 10255, 10256, 11211, 15672, 26257, 26379, 27017, 27018, 27019, 28015, 28017,
])

/** Says whether a port may be used where no ports are listed: 443, 80, and from 1024 on those that are not known for something else. */
export function isOrdinaryPort(port: number): boolean {
  if (port < 1024) return port === 443 || port === 80
  return !blockedPorts.has(port)
}

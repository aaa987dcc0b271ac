import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4, isIPv6 } from 'node:net'

/** What a name server answers: addresses of both families, `missing` for a name that does not exist, or nothing at all. */
export type NameAnswer = readonly string[] | 'missing' | 'silence'

/** A real name server on loopback. `answer` is asked per name, `nth` counts the questions for its IPv4 addresses from 1. */
export async function startNameServer(answer: (name: string, nth: number) => NameAnswer) {
  const asked = new Map<string, number>()
  const socket = createSocket('udp4')
  socket.on('message', (query, { address, port }) => {
    const { name, type, end } = questionIn(query)
    if (type === 1) asked.set(name, (asked.get(name) ?? 0) + 1)
    const found = answer(name, asked.get(name) ?? 1)
    if (found !== 'silence') socket.send(replyTo(query.subarray(0, end), type, found), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    server: `127.0.0.1:${socket.address().port}`,
    /** How often each name was asked for. */
    asked,
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}

// RFC 1035, section 4.1: a header of 12 bytes, then labels with their lengths up to an empty one, type, and class.
function questionIn(query: Buffer) {
  const labels: string[] = []
  let at = 12
  while (query[at] !== 0) {
    const length = query[at] ?? 0
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function replyTo(question: Buffer, type: number, found: readonly string[] | 'missing'): Buffer {
  const addresses = found === 'missing' ? [] : found.filter((each) => (type === 1 ? isIPv4(each) : isIPv6(each)))
  const header = Buffer.from(question)
  header.writeUInt16BE(found === 'missing' ? 0x8183 : 0x8180, 2) // answer, recursion available, NXDOMAIN or none
  header.writeUInt16BE(addresses.length, 6)
  header.writeUInt16BE(0, 8)
  header.writeUInt16BE(0, 10)
  // A pointer to the name in the question, the type, class IN, 60 s to live, and the address.
  return Buffer.concat([
    header,
    ...addresses.flatMap((address) => {
      const bytes = type === 1 ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address)
      const record = Buffer.from([0xc0, 0x0c, 0, type, 0, 1, 0, 0, 0, 60, 0, bytes.length])
      return [record, bytes]
    }),
  ])
}

function ipv6Bytes(address: string): Buffer {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.map(Number)
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  })
  const [head = '', tail = ''] = hex.split('::')
  const [left, right] = [head, tail].map((part) => part.split(':').filter((group) => group !== ''))
  const groups = [...left!, ...Array.from({ length: 8 - left!.length - right!.length }, () => '0'), ...right!]
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

import type { Connection } from './connection.ts'

/** Sets what durability and sharing need: WAL, a sync at every commit, and patience with other writers. */
export function setPragmas(connection: Connection, busyTimeoutMs: number): void {
  connection.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
  switchToWal(connection, busyTimeoutMs)
  // In WAL mode only FULL syncs at the commit: with NORMAL a power cut takes back what was acknowledged.
  connection.exec('PRAGMA synchronous = FULL')
}

// SQLite does not wait for the lock when it switches: two processes on a new file would meet SQLITE_BUSY here.
function switchToWal(connection: Connection, busyTimeoutMs: number): void {
  const giveUpAt = performance.now() + busyTimeoutMs
  for (;;) {
    try {
      connection.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (performance.now() >= giveUpAt || !String(error).includes('locked')) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}

import type { Clock } from '../../domain/clock.ts'
import { SteadyClock, type Now } from '../steady-clock.ts'
import type { Connection } from './connection.ts'

// How old what is kept may become: a process that starts after a step back takes up the time from there.
const keptEveryMs = 20_000
// How often what other processes have kept is read.
const readEveryMs = 1_000

/** A {@link SteadyClock} that the processes of a file share, and that outlives them. */
export class KeptClock {
  readonly #connection: Connection
  readonly #steady: SteadyClock
  #readAt = -Infinity
  #kept: Row = { seen_at: 0, ahead_ms: 0 }

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection
    this.#steady = new SteadyClock(clock)
    this.#read()
  }

  now(): Now {
    return this.#steady.now()
  }

  /** Whether {@link keep} has something to write. */
  get isStale(): boolean {
    const { dueMs } = this.#steady.now()
    return this.#steady.aheadMs > this.#kept.ahead_ms || dueMs >= this.#kept.seen_at + keptEveryMs
  }

  /** Reads what others have found now and then, and keeps what is new. To be called within a transaction that writes. */
  keep(): void {
    if (this.isStale || performance.now() - this.#readAt >= readEveryMs) this.#read()
    if (!this.isStale) return
    const { dueMs } = this.#steady.now()
    this.#kept = { seen_at: Math.floor(dueMs), ahead_ms: Math.ceil(this.#steady.aheadMs) }
    // Where the transaction is rolled back, the next read shows that this has gone with it.
    this.#connection.run(
      `UPDATE posthorn_clock SET seen_at = max(seen_at, ?), ahead_ms = max(ahead_ms, ?) WHERE id = 1`,
      this.#kept.seen_at,
      this.#kept.ahead_ms,
    )
  }

  #read(): void {
    this.#readAt = performance.now()
    this.#kept = this.#connection.one<Row>('SELECT seen_at, ahead_ms FROM posthorn_clock WHERE id = 1')
    this.#steady.follow({ aheadMs: this.#kept.ahead_ms, latestMs: this.#kept.seen_at })
  }
}

interface Row {
  /** The latest time that due dates and leases went by. */
  readonly seen_at: number
  readonly ahead_ms: number
}

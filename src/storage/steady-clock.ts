import type { Clock } from '../domain/clock.ts'

/** One instant, twice: both in milliseconds since 1970. */
export interface Now {
  /** By the clock of the system: for what people read. */
  readonly wallMs: number
  /** By the time that due dates and leases go by, which never steps back. */
  readonly dueMs: number
}

// Smaller steps are what clocks do that are kept right, and delay nothing by more than that.
const toleranceMs = 1000

/**
 * Tells the time that due dates and leases go by: the clock's, until that steps back. What was to happen in a minute would then happen in
 * two hours and a minute, and the lease of a holder that died would hold as long; so from then on it runs ahead of the clock, by as much as
 * that has stepped back. A step forward is followed: what was due meanwhile is due, and earlier is better than never.
 */
export class SteadyClock {
  readonly #clock: Clock
  #aheadMs = 0
  #latestMs = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** By how much it runs ahead of the clock, in milliseconds. */
  get aheadMs(): number {
    return this.#aheadMs
  }

  now(): Now {
    const wallMs = this.#clock()
    if (wallMs + this.#aheadMs < this.#latestMs - toleranceMs) this.#aheadMs = this.#latestMs - wallMs
    const dueMs = wallMs + this.#aheadMs
    this.#latestMs = Math.max(this.#latestMs, dueMs)
    return { wallMs, dueMs }
  }

  /** Takes over what others who share the storage have found. */
  follow({ aheadMs, latestMs }: { readonly aheadMs: number; readonly latestMs: number }): void {
    this.#aheadMs = Math.max(this.#aheadMs, aheadMs)
    this.#latestMs = Math.max(this.#latestMs, latestMs)
  }
}

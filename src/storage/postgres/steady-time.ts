import type { Database } from './database.ts'
import { later, ms } from './sql.ts'

// How often a process looks: as long as it may take until a step back is noticed.
const lookEveryMs = 5_000
// Smaller steps are what clocks do that are kept right, and delay nothing by more than that.
const toleranceMs = 1_000

/**
 * Keeps the time that due dates and leases go by from stepping back with the server's clock (set right by hand, or another machine's after
 * a fail-over). What was to happen in a minute would then happen in two hours and a minute, and the lease of a holder that died would hold
 * as long. A row that all processes share says how far that time is and how far ahead of the clock; each adds it to the statements that it
 * sends, which are the same as without for as long as it is nothing.
 */
export class SteadyTime {
  readonly #database: Database
  readonly #lookEveryMs: number
  #lookedAt = -Infinity
  #looking: Promise<void> | null = null

  constructor(database: Database, everyMs = lookEveryMs) {
    this.#database = database
    this.#lookEveryMs = everyMs
  }

  /** Looks whether the clock has stepped back, and what others have found. */
  async look(): Promise<void> {
    this.#lookedAt = performance.now()
    const { names } = this.#database
    const { clock, wall } = names
    const due = `(${later(wall, 'ahead_ms')})`
    const hasStepped = `${due} < ${later('seen_at', `- ${toleranceMs}`)}`
    const { aheadMs } = await this.#database.one<{ aheadMs: number }>(
      `SELECT coalesce((SELECT ahead_ms FROM moved), (SELECT ahead_ms FROM ${clock} WHERE id = 1)) AS "aheadMs"`,
      [],
      `WITH moved AS (
         UPDATE ${clock} SET seen_at = greatest(seen_at, ${due}),
           ahead_ms = CASE WHEN ${hasStepped} THEN ceil(${ms(`(seen_at - ${wall})`)})::bigint ELSE ahead_ms END
         WHERE id = 1 AND (${hasStepped} OR ${due} >= ${later('seen_at', `${lookEveryMs}`)}) RETURNING ahead_ms
       )`,
    )
    names.aheadMs = aheadMs
  }

  /** Looks again now and then, beside the operation at hand. */
  lookInPassing(): void {
    if (this.#looking !== null || performance.now() - this.#lookedAt < this.#lookEveryMs) return
    this.#looking = this.look()
      // The operation at hand meets the same and reports it; what cannot be looked at now is looked at with a later one.
      .catch(() => undefined)
      .finally(() => {
        this.#looking = null
      })
  }
}

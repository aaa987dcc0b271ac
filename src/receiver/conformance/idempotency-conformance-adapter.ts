import type { Clock } from '../../domain/clock.ts'
import type { IdempotencyStore } from '../../storage/idempotency-store.ts'

/** The idempotency store to examine. */
export interface IdempotencyConformanceAdapter {
  /** Creates a store that holds nothing and shares nothing with an earlier one; called once per case. */
  readonly createStore: (options: {
    /** The suite's clock, which it moves by hand. A store that reads the time from a server leaves it aside and gives `advance`. */
    readonly clock: Clock
  }) => IdempotencyStore | Promise<IdempotencyStore>
  /** Moves the store's time by `ms` milliseconds, or waits that long. Needed only where the store does not go by the suite's clock. */
  readonly advance?: (ms: number) => Promise<void>
}

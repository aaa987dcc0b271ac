import type { Clock } from '../../domain/clock.ts'
import type { ConformanceRunner } from '../../storage/conformance/conformance-adapter.ts'
import type { IdempotencyStore } from '../idempotency/idempotency-store.ts'
import { type IdempotencyCases, openIdempotencyFixture } from './idempotency-fixture.ts'
import { lapsedCases } from './lapsed-cases.ts'
import { reservationCases } from './reservation-cases.ts'
import { settlingCases } from './settling-cases.ts'

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

/**
 * Declares the cases that hold a store to the {@link IdempotencyStore} port, one per invariant. Assertions are those of
 * `node:assert/strict`, so that any test runner reports them.
 *
 * @example
 * ```ts
 * import { describe, it } from 'node:test'
 * import { idempotencyConformance } from 'posthorn/testing'
 *
 * idempotencyConformance({ describe, it }, { createStore: ({ clock }) => myIdempotency({ clock }) })
 * ```
 */
export function idempotencyConformance(runner: ConformanceRunner, adapter: IdempotencyConformanceAdapter): void {
  for (const [topic, cases] of Object.entries(topics)) {
    runner.describe(topic, () => {
      for (const [name, check] of Object.entries(cases)) {
        runner.it(name, async () => check(await openIdempotencyFixture(adapter)))
      }
    })
  }
}

const topics: Readonly<Record<string, IdempotencyCases>> = {
  reserve: reservationCases,
  'complete and release': settlingCases,
  claimLapsed: lapsedCases,
}

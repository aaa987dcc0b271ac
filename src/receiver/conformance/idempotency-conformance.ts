import type { ConformanceRunner } from '../../storage/conformance/conformance-adapter.ts'
import type { IdempotencyConformanceAdapter } from './idempotency-conformance-adapter.ts'
import { type IdempotencyCases, openIdempotencyFixture } from './idempotency-fixture.ts'
import { lapsedCases } from './lapsed-cases.ts'
import { reservationCases } from './reservation-cases.ts'
import { settlingCases } from './settling-cases.ts'

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

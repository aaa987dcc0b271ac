import { cancelCases } from './cancel-cases.ts'
import { caseFailed } from './case-failed.ts'
import { claimCases } from './claim-cases.ts'
import type { ConformanceAdapter, ConformanceRunner } from './conformance-adapter.ts'
import { enqueueCases } from './enqueue-cases.ts'
import { fidelityCases } from './fidelity-cases.ts'
import { type Cases, openFixture } from './fixture.ts'
import { idempotencyCases } from './idempotency-cases.ts'
import { knownMatchCases } from './known-match-cases.ts'
import { leaseCases } from './lease-cases.ts'
import { listingCases } from './listing-cases.ts'
import { matchCases } from './match-cases.ts'
import { overdueCases } from './overdue-cases.ts'
import { purgeCases } from './purge-cases.ts'
import { requeueCases } from './requeue-cases.ts'
import { settleCases } from './settle-cases.ts'
import { statsCases } from './stats-cases.ts'
import { webhookCases } from './webhook-cases.ts'

/**
 * Declares the cases that hold a storage adapter to contract 1 of the {@link Storage} port, one per invariant. Assertions are
 * those of `node:assert/strict`, so that any test runner reports them.
 *
 * @example
 * ```ts
 * import { describe, it } from 'node:test'
 * import { storageConformance } from 'posthorn/testing'
 *
 * storageConformance({ describe, it }, { createStorage: ({ clock }) => myStorage({ clock }) })
 * ```
 */
export function storageConformance(runner: ConformanceRunner, adapter: ConformanceAdapter): void {
  for (const [topic, cases] of Object.entries(topics)) {
    runner.describe(topic, () => {
      for (const [name, check] of Object.entries(cases)) {
        runner.it(name, async () => {
          const fixture = await openFixture(adapter)
          try {
            await check(fixture)
          } catch (error) {
            throw caseFailed(`${topic}: ${name}`, error)
          } finally {
            await fixture.storage.close()
          }
        })
      }
    })
  }
}

const topics: Readonly<Record<string, Cases>> = {
  webhooks: webhookCases,
  matchWebhooks: matchCases,
  enqueue: enqueueCases,
  'enqueue with ifMatched': knownMatchCases,
  'idempotency keys': idempotencyCases,
  claim: claimCases,
  overdue: overdueCases,
  'leases and renew': leaseCases,
  settle: settleCases,
  requeue: requeueCases,
  cancel: cancelCases,
  listings: listingCases,
  stats: statsCases,
  purge: purgeCases,
  fidelity: fidelityCases,
}

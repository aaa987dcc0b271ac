import { type IdempotencyStore, memoryIdempotency } from 'posthorn/receiver'
import { idempotencyConformance } from 'posthorn/testing'
import { describe, expect, it } from 'vitest'
import { overridingStore } from '../receiver-fixture.ts'

/** Runs the suite and returns the names of the cases that failed. */
async function failedCases(alter: (store: IdempotencyStore) => Partial<IdempotencyStore>): Promise<string[]> {
  const cases: { readonly name: string; readonly run: () => Promise<void> }[] = []
  const runner = {
    describe: (_: string, body: () => void) => body(),
    it: (name: string, run: () => Promise<void>) => cases.push({ name, run }),
  }
  idempotencyConformance(runner, {
    createStore: ({ clock }) => {
      const store = memoryIdempotency({ clock })
      return overridingStore(alter(store), store)
    },
  })
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
  const failed: string[] = []
  for (const { name, run } of cases) await run().catch(() => failed.push(name))
  return failed
}

describe('idempotencyConformance', () => {
  it('passes the store under the broken ones, wrapped the same way', async () => {
    expect(await failedCases(() => ({}))).toEqual([])
  })

  it.each<[string, (store: IdempotencyStore) => Partial<IdempotencyStore>, string]>([
    [
      'a store that looks before it takes',
      (store) => {
        const held = new Set<string>()
        return {
          async reserve(reservation) {
            const isHeld = held.has(reservation.id)
            await Promise.resolve()
            held.add(reservation.id)
            if (isHeld) return await store.reserve(reservation)
            return { status: 'reserved', attempt: 1, fingerprint: reservation.fingerprint }
          },
        }
      },
      'gives an event to one of many calls at once',
    ],
    [
      'a store that mixes scopes',
      (store) => ({ reserve: (one) => store.reserve({ ...one, scope: 's' }) }),
      'keeps events of other scopes and other ids apart',
    ],
    [
      'a store that ignores letter case',
      (store) => ({ reserve: (one) => store.reserve({ ...one, id: one.id.toLowerCase() }) }),
      'keeps events of other scopes and other ids apart',
    ],
    [
      'a store that holds for ever',
      (store) => ({ reserve: (one) => store.reserve({ ...one, leaseMs: one.keepMs }) }),
      'gives an event out again once its lease has run out, and counts that',
    ],
    [
      'a store that keeps for half the time',
      (store) => ({ complete: (held, keepMs) => store.complete(held, keepMs / 2) }),
      'answers completed until the keep time ends, counted from the completion',
    ],
    [
      'a store that completes for anybody',
      (store) => ({ complete: async (held, keepMs) => (await store.complete(held, keepMs)) || true }),
      'writes nothing for a lease that another has taken over',
    ],
    [
      'a store that forgets answers',
      (store) => ({ complete: (held, keepMs) => store.complete(held, keepMs) }),
      'keeps the answer that an event was completed with, as it is, for as long as the event',
    ],
    [
      'a store that never gives back',
      () => ({ release: async () => true }),
      'lets the next one in at once after a release',
    ],
    [
      'a store that loses records',
      (store) => ({ reserve: (one) => store.reserve({ ...one, record: null }) }),
      'gives out what lapsed with its record, longest lapsed first',
    ],
    [
      'a store that gives out more than asked for',
      (store) => ({ claimLapsed: (query) => store.claimLapsed({ ...query, limit: 100 }) }),
      'gives out no more than asked for, of this scope, and none without a record',
    ],
    [
      'a store that tells the newest fingerprint',
      (store) => ({ reserve: async (one) => ({ ...(await store.reserve(one)), fingerprint: one.fingerprint }) }),
      'tells the fingerprint of the first reservation',
    ],
  ])('fails %s', async (_, alter, noticedBy) => {
    expect(await failedCases(alter)).toContain(noticedBy)
  })
})

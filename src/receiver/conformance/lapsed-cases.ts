import assert from 'node:assert/strict'
import { type IdempotencyCases, keepMs, leaseMs } from './idempotency-fixture.ts'

export const lapsedCases: IdempotencyCases = {
  'gives out what lapsed with its record, longest lapsed first': async (fixture) => {
    await fixture.hold({ id: 'sw:b', record: 'record of b' })
    await fixture.advance(1_000)
    await fixture.hold({ id: 'sw:a', record: 'record of a' })
    await fixture.advance(leaseMs - 1_000)
    assert.deepEqual(await fixture.claim(), [{ id: 'sw:b', attempt: 2, fingerprint: 'first', record: 'record of b' }])
    await fixture.advance(1_000)
    assert.deepEqual(await fixture.claim(), [{ id: 'sw:a', attempt: 2, fingerprint: 'first', record: 'record of a' }])
    assert.deepEqual(await fixture.claim(), [])
  },

  'gives out a released event at once, with its record': async (fixture) => {
    const held = await fixture.hold({ record: '{"text":"Grüße \\u0000"}' })
    assert.deepEqual(await fixture.claim(), [])
    assert.equal(await fixture.store.release(held), true)
    const [lapsed] = await fixture.claim()
    assert.deepEqual(lapsed, { id: 'sw:msg_1', attempt: 2, fingerprint: 'first', record: '{"text":"Grüße \\u0000"}' })
  },

  'gives out no more than asked for, of this scope, and none without a record': async (fixture) => {
    await fixture.hold({ id: 'sw:none' })
    await fixture.hold({ id: 'sw:other', scope: 'payments', record: 'other' })
    for (const id of ['sw:1', 'sw:2', 'sw:3']) await fixture.hold({ id, record: id })
    await fixture.advance(leaseMs)
    const first = await fixture.claim('orders', 2)
    assert.equal(first.length, 2)
    const ids = [...first, ...(await fixture.claim())].map(({ id }) => id)
    assert.deepEqual(ids.toSorted(), ['sw:1', 'sw:2', 'sw:3'])
    assert.deepEqual(
      (await fixture.claim('payments')).map(({ id }) => id),
      ['sw:other'],
    )
  },

  'gives each to one of many calls at once': async (fixture) => {
    for (let nth = 0; nth < 8; nth++) await fixture.hold({ id: `sw:${nth}`, record: 'text' })
    await fixture.advance(leaseMs)
    const claims = await Promise.all(Array.from({ length: 8 }, () => fixture.claim('orders', 3)))
    const ids = claims.flat().map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
  },

  'holds what was claimed: it is in flight, lapses again, and completes under the claim': async (fixture) => {
    const { store } = fixture
    const dead = await fixture.hold({ record: 'text' })
    await fixture.advance(leaseMs)
    const query = { scope: 'orders', lease: 'claim', leaseMs, limit: 10 }
    const [claimed] = await store.claimLapsed(query)
    assert.ok(claimed !== undefined)
    assert.equal(await fixture.statusOf(), 'in-flight')
    assert.equal(await store.complete(dead, keepMs), false)
    await fixture.advance(leaseMs)
    assert.equal((await store.claimLapsed({ ...query, lease: 'claim-2' }))[0]?.attempt, 3)
    const held = { scope: 'orders', id: claimed.id, lease: 'claim-2', fingerprint: claimed.fingerprint }
    assert.equal(await store.complete(held, keepMs), true)
    await fixture.advance(leaseMs)
    assert.deepEqual(await fixture.claim(), [])
    assert.equal(await fixture.statusOf(), 'completed')
  },

  'lets a sender who sends again take over, with the new record': async (fixture) => {
    await fixture.hold({ record: 'old' })
    await fixture.advance(leaseMs)
    assert.equal(await fixture.statusOf({ record: 'new' }), 'reserved')
    assert.deepEqual(await fixture.claim(), [])
    await fixture.advance(leaseMs)
    assert.equal((await fixture.claim())[0]?.record, 'new')
  },

  'gives out nothing of a taken-over event that has no record any more': async (fixture) => {
    await fixture.hold({ record: 'old' })
    await fixture.advance(leaseMs)
    assert.equal(await fixture.statusOf({ record: null }), 'reserved')
    await fixture.advance(leaseMs)
    assert.deepEqual(await fixture.claim(), [])
  },
}

import assert from 'node:assert/strict'
import { type Cases, idsOf, only } from './fixture.ts'

export const leaseCases: Cases = {
  'makes an expired lease claimable again, under a new lease': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const first = await fixture.claimNew(webhook, 10_000)
    await fixture.advance(9_000)
    assert.deepEqual(await fixture.claim(10), [])
    await fixture.advance(1_000)
    const second = only(await fixture.claim(10))
    assert.equal(second.id, first.id)
    assert.notEqual(second.lease, first.lease)
    assert.deepEqual([first.claimCount, second.claimCount], [1, 2])
    await fixture.advance(30_000)
    assert.equal(only(await fixture.claim(10, { ids: [first.id] })).claimCount, 3)
  },

  'shows an expired lease as held by nobody': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const claimed = await fixture.claimNew(webhook, 10_000)
    await fixture.advance(10_000)
    const { isLeased, state } = await fixture.delivery(claimed.id)
    assert.deepEqual({ isLeased, state }, { isLeased: false, state: 'pending' })
  },

  'frees the slots of expired leases': async (fixture) => {
    const webhook = await fixture.insertWebhook({ maxInFlight: 2 })
    await fixture.enqueue(webhook, 5)
    assert.equal((await fixture.claim(10, { leaseMs: 10_000 })).length, 2)
    await fixture.advance(10_000)
    assert.equal((await fixture.claim(10)).length, 2)
    assert.equal((await fixture.claim(10)).length, 0)
  },

  'frees the slots of expired leases for a claim by ids too': async (fixture) => {
    const webhook = await fixture.insertWebhook({ maxInFlight: 1 })
    await fixture.claimNew(webhook, 10_000)
    const ids = await fixture.enqueue(webhook, 1)
    assert.deepEqual(await fixture.claim(10, { ids }), [])
    await fixture.advance(10_000)
    assert.deepEqual(idsOf(await fixture.claim(10, { ids })), ids)
  },

  'counts claims from the last recorded attempt': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const first = await fixture.claimNew(webhook)
    const attempt = fixture.newAttempt(1)
    await fixture.storage.settle([{ id: first.id, lease: first.lease, outcome: 'continue', attempt, leaseMs: 10_000 }])
    await fixture.advance(10_000)
    const second = only(await fixture.claim(10))
    assert.deepEqual([second.attemptCount, second.claimCount], [1, 1])
    await fixture.storage.settle([
      { id: second.id, lease: second.lease, outcome: 'retry', attempt: fixture.newAttempt(2), retryInMs: 0 },
    ])
    const third = only(await fixture.claim(10))
    assert.deepEqual([third.attemptCount, third.claimCount], [2, 1])
  },

  'counts no claim that was given back, for its holder did not die': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook)
    await fixture.storage.settle([{ id: held.id, lease: held.lease, outcome: 'release', retryInMs: 0 }])
    assert.equal(only(await fixture.claim(10)).claimCount, 1)
  },

  'prolongs live leases from now': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    const held = [await fixture.claimNew(webhook, 10_000), await fixture.claimNew(webhook, 10_000)]
    await fixture.advance(8_000)
    assert.deepEqual((await storage.renew(held, 10_000)).toSorted(), idsOf(held))
    await fixture.advance(9_000)
    assert.deepEqual(await fixture.claim(10), [])
    await fixture.advance(1_000)
    assert.deepEqual(idsOf(await fixture.claim(10)), idsOf(held))
  },

  'renews one of what one claim gave out, and not the others': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    await fixture.enqueue(webhook, 2)
    const [first, second] = await fixture.claim(2, { leaseMs: 10_000 })
    assert.ok(first !== undefined && second !== undefined)
    assert.deepEqual(await storage.renew([first], 60_000), [first.id])
    await fixture.advance(10_000)
    assert.deepEqual(idsOf(await fixture.claim(10)), [second.id])
  },

  'renews no expired lease, no foreign one and none of a final delivery': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    const expired = await fixture.claimNew(webhook, 10_000)
    const retaken = await fixture.claimNew(webhook, 10_000)
    const live = await fixture.claimNew(webhook, 60_000)
    const done = await fixture.finish(webhook)
    await fixture.advance(10_000)
    assert.deepEqual(await storage.renew([expired], 600_000), [])
    const holder = only(await fixture.claim(10, { ids: [retaken.id] }))
    const leases = [expired, retaken, { id: live.id, lease: 'invented' }, done, { ...live, id: fixture.newId() }]
    assert.deepEqual(await storage.renew(leases, 600_000), [])
    assert.deepEqual(
      await storage.renew([expired, holder, live], 600_000).then((ids) => ids.toSorted()),
      idsOf([holder, live]),
    )
    assert.deepEqual(idsOf(await fixture.claim(10)), [expired.id])
    assert.deepEqual(await storage.renew([], 10_000), [])
  },
}

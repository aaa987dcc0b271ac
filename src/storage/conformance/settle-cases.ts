import assert from 'node:assert/strict'
import type { LeaseRef, Settlement } from '../settlement.ts'
import { type Cases, type Fixture, only, tenantId } from './fixture.ts'

export const settleCases: Cases = {
  'succeeded: ends the delivery and records the attempt': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook)
    const attempt = fixture.newAttempt(1, { status: 204, durationMs: 17, responseBody: '' })
    const settled = await fixture.storage.settle([{ ...ref(held), outcome: 'succeeded', attempt }])
    assert.deepEqual(settled, [{ id: held.id, state: 'succeeded' }])
    const delivery = await fixture.delivery(held.id)
    assert.ok(delivery.finishedAt instanceof Date)
    assert.deepEqual(shape(delivery), {
      state: 'succeeded',
      reason: null,
      attemptCount: 1,
      dueAt: null,
      isLeased: false,
      lastStatus: 204,
    })
    assert.deepEqual(await fixture.attempts(held.id), [{ deliveryId: held.id, ...attempt }])
    await fixture.advance(60_000)
    assert.deepEqual(await fixture.claim(10), [])
  },

  'ends one of what one claim gave out, and not the others': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    await fixture.enqueue(webhook, 2)
    const [first, second] = await fixture.claim(2)
    assert.ok(first !== undefined && second !== undefined)
    const settled = await fixture.storage.settle([
      { ...ref(first), outcome: 'succeeded', attempt: fixture.newAttempt(1) },
    ])
    assert.deepEqual(settled, [{ id: first.id, state: 'succeeded' }])
    const { state, isLeased } = await fixture.delivery(second.id)
    assert.deepEqual({ state, isLeased }, { state: 'pending', isLeased: true })
    assert.deepEqual(await fixture.attempts(second.id), [])
  },

  'failed: ends the delivery with its reason': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook)
    const attempt = fixture.newAttempt(1, { status: null, error: 'timeout', responseHeaders: null, responseBody: null })
    const settlement: Settlement = { ...ref(held), outcome: 'failed', reason: 'exhausted', attempt }
    assert.deepEqual(await fixture.storage.settle([settlement]), [{ id: held.id, state: 'failed' }])
    assert.deepEqual(shape(await fixture.delivery(held.id)), {
      state: 'failed',
      reason: 'exhausted',
      attemptCount: 1,
      dueAt: null,
      isLeased: false,
      lastStatus: null,
    })
    assert.deepEqual(await fixture.attempts(held.id), [{ deliveryId: held.id, ...attempt }])
    await fixture.advance(60_000)
    assert.deepEqual(await fixture.claim(10), [])
  },

  'failed: needs no attempt': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook)
    const settled = await fixture.storage.settle([{ ...ref(held), outcome: 'failed', reason: 'payload_gone' }])
    assert.deepEqual(settled, [{ id: held.id, state: 'failed' }])
    const { attemptCount, reason } = await fixture.delivery(held.id)
    assert.deepEqual({ attemptCount, reason }, { attemptCount: 0, reason: 'payload_gone' })
    assert.deepEqual(await fixture.attempts(held.id), [])
  },

  'retry: gives the lease back, due after retryInMs': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook)
    const attempt = fixture.newAttempt(1, { status: 503 })
    const settled = await fixture.storage.settle([{ ...ref(held), outcome: 'retry', attempt, retryInMs: 10_000 }])
    assert.deepEqual(settled, [{ id: held.id, state: 'pending' }])
    const { dueAt, isLeased, lastStatus, finishedAt } = await fixture.delivery(held.id)
    assert.ok(dueAt instanceof Date)
    assert.deepEqual({ isLeased, lastStatus, finishedAt }, { isLeased: false, lastStatus: 503, finishedAt: null })
    await fixture.advance(9_000)
    assert.deepEqual(await fixture.claim(10), [])
    await fixture.advance(1_000)
    const again = only(await fixture.claim(10))
    assert.deepEqual([again.attemptCount, again.attemptsBefore, again.claimCount, again.trigger], [1, 0, 1, 'auto'])
  },

  'release: gives the lease back and records nothing': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook)
    const settled = await fixture.storage.settle([{ ...ref(held), outcome: 'release', retryInMs: 10_000 }])
    assert.deepEqual(settled, [{ id: held.id, state: 'pending' }])
    assert.deepEqual(await fixture.attempts(held.id), [])
    assert.deepEqual(await fixture.claim(10), [])
    await fixture.advance(10_000)
    const again = only(await fixture.claim(10))
    assert.equal(again.attemptCount, 0)
    await fixture.storage.settle([{ ...ref(again), outcome: 'release', retryInMs: 0 }])
    assert.equal(only(await fixture.claim(10)).id, held.id)
  },

  'continue: keeps the lease for leaseMs more': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook, 10_000)
    await fixture.advance(8_000)
    const first: Settlement = { ...ref(held), outcome: 'continue', attempt: fixture.newAttempt(1), leaseMs: 20_000 }
    assert.deepEqual(await storage.settle([first]), [{ id: held.id, state: 'pending' }])
    assert.deepEqual(shape(await fixture.delivery(held.id)), {
      state: 'pending',
      reason: null,
      attemptCount: 1,
      dueAt: null,
      isLeased: true,
      lastStatus: 500,
    })
    await fixture.advance(19_000)
    assert.deepEqual(await fixture.claim(10), [])
    const second: Settlement = { ...ref(held), outcome: 'succeeded', attempt: fixture.newAttempt(2) }
    assert.deepEqual(await storage.settle([second]), [{ id: held.id, state: 'succeeded' }])
    assert.deepEqual(
      (await fixture.attempts(held.id)).map((attempt) => attempt.number),
      [1, 2],
    )
  },

  'continue: lets the prolonged lease expire': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook, 60_000)
    const attempt = fixture.newAttempt(1)
    await fixture.storage.settle([{ ...ref(held), outcome: 'continue', attempt, leaseMs: 5_000 }])
    await fixture.advance(5_000)
    assert.equal(only(await fixture.claim(10)).id, held.id)
  },

  'writes nothing for a lease that another worker took over': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    const stale = await fixture.claimNew(webhook, 10_000)
    await fixture.advance(10_000)
    const holder = only(await fixture.claim(10))
    const before = await fixture.delivery(stale.id)
    for (const settlement of everyOutcome(fixture, stale)) {
      assert.deepEqual(await storage.settle([settlement]), [], settlement.outcome)
      assert.deepEqual(await fixture.delivery(stale.id), before, settlement.outcome)
    }
    assert.deepEqual(await fixture.attempts(stale.id), [])
    assert.deepEqual(await storage.settle([{ ...ref(holder), outcome: 'succeeded', attempt: fixture.newAttempt(1) }]), [
      { id: holder.id, state: 'succeeded' },
    ])
  },

  'writes nothing for an invented lease, an unknown delivery or an ended one': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook)
    const done = await fixture.finish(webhook)
    const [free] = await fixture.enqueue(webhook, 1)
    assert.ok(free !== undefined)
    const holds = [
      { id: held.id, lease: 'invented' },
      { id: held.id, lease: done.lease },
      { id: fixture.newId(), lease: held.lease },
      { id: free, lease: held.lease },
      { id: free, lease: '' },
      ref(done),
    ]
    for (const hold of holds) assert.deepEqual(await fixture.storage.settle(everyOutcome(fixture, hold)), [])
    assert.equal((await fixture.delivery(held.id)).isLeased, true)
    assert.equal((await fixture.delivery(done.id)).attemptCount, 1)
    assert.equal((await fixture.delivery(free)).state, 'pending')
  },

  'takes the good settlements of a batch and leaves the stale ones out': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const good = await fixture.claimNew(webhook)
    const stale = await fixture.claimNew(webhook)
    const settled = await fixture.storage.settle([
      { id: stale.id, lease: 'old', outcome: 'succeeded', attempt: fixture.newAttempt(1) },
      { ...ref(good), outcome: 'succeeded', attempt: fixture.newAttempt(1) },
    ])
    assert.deepEqual(settled, [{ id: good.id, state: 'succeeded' }])
    assert.equal((await fixture.delivery(stale.id)).state, 'pending')
    assert.deepEqual(await fixture.storage.settle([]), [])
  },

  'records one attempt of a settlement that comes twice': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook)
    const first: Settlement = { ...ref(held), outcome: 'continue', attempt: fixture.newAttempt(1), leaseMs: 30_000 }
    await storage.settle([first])
    assert.deepEqual(await storage.settle([first]), [{ id: held.id, state: 'pending' }])
    const final: Settlement = { ...ref(held), outcome: 'retry', attempt: fixture.newAttempt(2), retryInMs: 0 }
    await Promise.all([storage.settle([final]), storage.settle([final])])
    assert.deepEqual(
      (await fixture.attempts(held.id)).map((attempt) => attempt.number),
      [1, 2],
    )
    assert.equal((await fixture.delivery(held.id)).attemptCount, 2)
    assert.equal(only(await fixture.claim(10)).attemptCount, 2)
  },

  'keeps the first record of an attempt number': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook)
    const first = fixture.newAttempt(1, { status: 500 })
    await fixture.storage.settle([{ ...ref(held), outcome: 'continue', attempt: first, leaseMs: 30_000 }])
    const again = fixture.newAttempt(1, { status: 200 })
    assert.deepEqual(await fixture.storage.settle([{ ...ref(held), outcome: 'succeeded', attempt: again }]), [
      { id: held.id, state: 'succeeded' },
    ])
    assert.deepEqual(await fixture.attempts(held.id), [{ deliveryId: held.id, ...first }])
    assert.equal((await fixture.delivery(held.id)).attemptCount, 1)
  },

  'ends continue, retry and release as cancelled where the webhook was disabled': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const disable = () => fixture.storage.updateWebhook(webhook.id, tenantId, { isActive: false })
    await assertEnds(fixture, webhook, disable, 'disabled')
  },

  'ends continue, retry and release as cancelled where the webhook was deleted': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    await assertEnds(fixture, webhook, () => fixture.storage.deleteWebhook(webhook.id, tenantId), 'deleted')
  },
}

function ref(hold: LeaseRef): LeaseRef {
  return { id: hold.id, lease: hold.lease }
}

function shape(delivery: Awaited<ReturnType<Fixture['delivery']>>) {
  const { state, reason, attemptCount, dueAt, isLeased, lastStatus } = delivery
  return { state, reason, attemptCount, dueAt, isLeased, lastStatus }
}

function everyOutcome(fixture: Fixture, hold: LeaseRef): Settlement[] {
  const attempt = fixture.newAttempt(1)
  return [
    { ...ref(hold), outcome: 'continue', attempt, leaseMs: 600_000 },
    { ...ref(hold), outcome: 'retry', attempt, retryInMs: 0 },
    { ...ref(hold), outcome: 'release', retryInMs: 0 },
    { ...ref(hold), outcome: 'failed', attempt, reason: 'exhausted' },
    { ...ref(hold), outcome: 'succeeded', attempt },
  ]
}

/** Settles one delivery by each outcome after `change` made the webhook inactive, and checks how each ended. */
async function assertEnds(
  fixture: Fixture,
  webhook: { readonly id: string },
  change: () => Promise<unknown>,
  reason: string,
): Promise<void> {
  const held = []
  for (let count = 0; count < 5; count++) held.push(await fixture.claimNew(webhook))
  await change()
  const ends = []
  for (const [index, hold] of held.entries()) {
    const settlement = everyOutcome(fixture, hold)[index]
    assert.ok(settlement !== undefined)
    const { state } = only(await fixture.storage.settle([settlement]))
    const delivery = await fixture.delivery(hold.id)
    assert.equal(delivery.isLeased, false)
    assert.equal(delivery.state, state)
    ends.push([settlement.outcome, state, delivery.reason, (await fixture.attempts(hold.id)).length])
  }
  assert.deepEqual(ends, [
    ['continue', 'cancelled', reason, 1],
    ['retry', 'cancelled', reason, 1],
    ['release', 'cancelled', reason, 0],
    ['failed', 'failed', 'exhausted', 1],
    ['succeeded', 'succeeded', null, 1],
  ])
}

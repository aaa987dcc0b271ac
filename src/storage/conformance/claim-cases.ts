import assert from 'node:assert/strict'
import type { Claimed } from '../storage.ts'
import { type Cases, type Fixture, idsOf, only, tenantId } from './fixture.ts'

export const claimCases: Cases = {
  'gives out all that is needed to send': async (fixture) => {
    const webhook = await fixture.insertWebhook({ metadata: { team: 'core' } })
    const event = fixture.newEvent([webhook])
    await fixture.storage.enqueue([event])
    const { lease, ...claimed } = only(await fixture.claim(10))
    assert.equal(typeof lease, 'string')
    assert.notEqual(lease, '')
    assert.deepEqual(claimed, {
      id: event.deliveries[0]?.id,
      attemptCount: 0,
      attemptsBefore: 0,
      claimCount: 1,
      trigger: 'auto',
      event: await fixture.storage.getEvent(event.id, tenantId),
      webhook,
    })
    const { isLeased, dueAt, state } = await fixture.delivery(claimed.id)
    assert.deepEqual({ isLeased, dueAt, state }, { isLeased: true, dueAt: null, state: 'pending' })
  },

  'gives out the webhook as it is now': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    await fixture.enqueue(webhook, 1)
    const updated = await fixture.storage.updateWebhook(webhook.id, tenantId, { url: 'https://moved.example/' })
    assert.deepEqual(only(await fixture.claim(10)).webhook, updated)
  },

  'never gives out a held delivery': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const ids = await fixture.enqueue(webhook, 5)
    const first = await fixture.claim(3)
    const second = await fixture.claim(10)
    assert.equal(first.length, 3)
    assert.deepEqual(idsOf([...first, ...second]), ids)
    assert.deepEqual(await fixture.claim(10), [])
    assert.deepEqual(await fixture.claim(10, { ids }), [])
    // What one claim gives out may have one lease; that of another claim is another.
    const earlier = new Set(first.map(({ lease }) => lease))
    for (const { lease } of second) assert.ok(!earlier.has(lease), 'a second claim gave the lease of the first')
  },

  'shares concurrent claims out without overlap': async (fixture) => {
    const webhooks = [await fixture.insertWebhook(), await fixture.insertWebhook()]
    await fixture.storage.enqueue(Array.from({ length: 15 }, () => fixture.newEvent(webhooks)))
    const claims = await Promise.all(Array.from({ length: 10 }, () => fixture.claim(5)))
    const claimed = claims.flat()
    assert.equal(new Set(claimed.map((delivery) => delivery.id)).size, claimed.length)
    assert.equal(claimed.length, 30)
  },

  'keeps to the limit': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    await fixture.enqueue(webhook, 5)
    assert.equal((await fixture.claim(1)).length, 1)
    assert.equal((await fixture.claim(2)).length, 2)
    assert.equal((await fixture.claim(100)).length, 2)
  },

  'keeps the live leases of a webhook within maxInFlight': async (fixture) => {
    const webhook = await fixture.insertWebhook({ maxInFlight: 3 })
    const other = await fixture.insertWebhook()
    const ids = await fixture.enqueue(webhook, 10)
    await fixture.enqueue(other, 2)
    const first = await fixture.claim(2, { ids })
    const second = await fixture.claim(100)
    assert.equal(first.length, 2)
    assert.deepEqual(countsOf(second, webhook, other), [1, 2])
    assert.deepEqual(await fixture.claim(100), [])
    assert.deepEqual(await fixture.claim(100, { ids }), [])
    const held = [...first, ...second].filter((claimed) => claimed.webhook.id === webhook.id)
    const [done, back] = held
    assert.ok(done !== undefined && back !== undefined)
    await fixture.storage.settle([
      { id: done.id, lease: done.lease, outcome: 'succeeded', attempt: fixture.newAttempt(1) },
      { id: back.id, lease: back.lease, outcome: 'release', retryInMs: 600_000 },
    ])
    assert.equal((await fixture.claim(100)).length, 2)
    assert.deepEqual(await fixture.claim(100), [])
  },

  'keeps concurrent claims within maxInFlight': async (fixture) => {
    const webhook = await fixture.insertWebhook({ maxInFlight: 3 })
    await fixture.enqueue(webhook, 20)
    const claims = await Promise.all(Array.from({ length: 6 }, () => fixture.claim(2)))
    assert.equal(claims.flat().length, 3)
  },

  'follows a changed maxInFlight': async (fixture) => {
    const webhook = await fixture.insertWebhook({ maxInFlight: 1 })
    await fixture.enqueue(webhook, 10)
    assert.equal((await fixture.claim(10)).length, 1)
    await fixture.storage.updateWebhook(webhook.id, tenantId, { maxInFlight: 4 })
    assert.equal((await fixture.claim(10)).length, 3)
    await fixture.storage.updateWebhook(webhook.id, tenantId, { maxInFlight: 2 })
    assert.equal((await fixture.claim(10)).length, 0)
  },

  'holds a gated webhook back, and no other': async (fixture) => {
    const gated = await fixture.insertWebhook()
    const other = await fixture.insertWebhook()
    const ids = await fixture.enqueue(gated, 2)
    await fixture.enqueue(other, 1)
    await fixture.storage.gate(gated.id, 10_000)
    assert.deepEqual(countsOf(await fixture.claim(10), gated, other), [0, 1])
    assert.deepEqual(await fixture.claim(10, { ids }), [])
    await fixture.advance(9_000)
    assert.deepEqual(await fixture.claim(10), [])
    await fixture.advance(1_000)
    assert.deepEqual(idsOf(await fixture.claim(10)), ids)
  },

  'holds a gated webhook back for the longest that was asked for': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const ids = await fixture.enqueue(webhook, 1)
    await fixture.storage.gate(webhook.id, 10_000)
    await fixture.storage.gate(webhook.id, 1_000)
    await fixture.advance(9_000)
    assert.deepEqual(await fixture.claim(10), [])
    await fixture.storage.gate(webhook.id, 5_000)
    await fixture.advance(1_000)
    assert.deepEqual(await fixture.claim(10), [])
    await fixture.advance(4_000)
    assert.deepEqual(idsOf(await fixture.claim(10)), ids)
  },

  'opens a gate at once': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const ids = await fixture.enqueue(webhook, 1)
    await fixture.storage.gate(webhook.id, 3_600_000)
    assert.deepEqual(await fixture.claim(10), [])
    await fixture.storage.gate(webhook.id, null)
    assert.deepEqual(idsOf(await fixture.claim(10)), ids)
  },

  'cancels what is due of a webhook that is not active, a live lease excepted': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook)
    const ids = await fixture.enqueue(webhook, 3)
    await fixture.storage.updateWebhook(webhook.id, tenantId, { isActive: false, disabledReason: 'manual' })
    assert.deepEqual(await fixture.claim(10), [])
    for (const id of ids) {
      const { state, reason, dueAt, finishedAt } = await fixture.delivery(id)
      assert.deepEqual({ state, reason, dueAt }, { state: 'cancelled', reason: 'disabled', dueAt: null })
      assert.ok(finishedAt instanceof Date)
    }
    assert.equal((await fixture.delivery(held.id)).state, 'pending')
    await fixture.storage.updateWebhook(webhook.id, tenantId, { isActive: true, disabledReason: null })
    assert.deepEqual(await fixture.claim(10), [])
  },

  'cancels what is due of a webhook that is gone': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const ids = await fixture.enqueue(webhook, 2)
    const held = await fixture.claimNew(webhook)
    await fixture.storage.deleteWebhook(webhook.id, tenantId)
    assert.deepEqual(await fixture.claim(10, { ids }), [])
    assert.deepEqual(await fixture.claim(10), [])
    for (const id of ids) {
      const { state, reason } = await fixture.delivery(id)
      assert.deepEqual({ state, reason }, { state: 'cancelled', reason: 'deleted' })
    }
    await fixture.advance(30_000)
    assert.deepEqual(await fixture.claim(10), [])
    assert.equal((await fixture.delivery(held.id)).state, 'cancelled')
  },

  'goes on with a webhook that was disabled and enabled meanwhile': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const ids = await fixture.enqueue(webhook, 2)
    await fixture.storage.updateWebhook(webhook.id, tenantId, { isActive: false })
    await fixture.storage.updateWebhook(webhook.id, tenantId, { isActive: true })
    assert.deepEqual(idsOf(await fixture.claim(10)), ids)
  },

  'does not let one backlog of 5,000 delay another webhook': async (fixture) => {
    const busy = await fixture.insertWebhook()
    const quiet = await fixture.insertWebhook()
    for (let batch = 0; batch < 10; batch++) await fixture.enqueue(busy, 500)
    await fixture.enqueue(quiet, 1)
    const claimed = [...(await fixture.claim(10)), ...(await fixture.claim(10))]
    assert.deepEqual(countsOf(claimed, quiet), [1])
    assert.equal(claimed.length, 20)
  },

  'reaches every webhook beside a busy one': async (fixture) => {
    const busy = await fixture.insertWebhook()
    await fixture.enqueue(busy, 200)
    const quiet = []
    for (let count = 0; count < 20; count++) quiet.push(await fixture.insertWebhook())
    for (const webhook of quiet) await fixture.enqueue(webhook, 1)
    const claimed: Claimed[] = []
    for (let call = 0; call < 8; call++) claimed.push(...(await fixture.claim(10)))
    assert.deepEqual(countsOf(claimed, ...quiet), Array<number>(20).fill(1))
  },

  'takes only the ids given, and of those the due ones, each once': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const [first, second, third] = await fixture.enqueue(webhook, 3)
    const [late] = await fixture.enqueue(webhook, 1, { delayMs: 10_000 })
    assert.ok(first !== undefined && second !== undefined && third !== undefined && late !== undefined)
    const done = await fixture.finish(webhook, 'succeeded')
    assert.deepEqual(await fixture.claim(10, { ids: [] }), [])
    const ids = [second, late, second, fixture.newId(), done.id, third]
    assert.equal((await fixture.claim(1, { ids })).length, 1)
    assert.equal((await fixture.claim(10, { ids })).length, 1)
    assert.deepEqual(idsOf(await fixture.claim(10)), [first])
  },

  'says when to ask again': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    assert.equal(await nextDueInMs(fixture, 1), null)
    await fixture.finish(webhook)
    assert.equal(await nextDueInMs(fixture, 1), null)
    await fixture.enqueue(webhook, 1, { delayMs: 10_000 })
    assertAbout(await nextDueInMs(fixture, 10), 10_000)
    await fixture.advance(4_000)
    assertAbout(await nextDueInMs(fixture, 10), 6_000)
    await fixture.enqueue(webhook, 3)
    assert.equal(await nextDueInMs(fixture, 2), 0)
  },

  'says when a gate opens and when a lease runs out': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    await fixture.enqueue(webhook, 1)
    await fixture.storage.gate(webhook.id, 20_000)
    assertAbout(await nextDueInMs(fixture, 10), 20_000)
    await fixture.storage.gate(webhook.id, null)
    await fixture.storage.claim({ limit: 10, leaseMs: 40_000 })
    assertAbout(await nextDueInMs(fixture, 10), 40_000)
  },

  'never sleeps over work behind a full webhook': async (fixture) => {
    const webhook = await fixture.insertWebhook({ maxInFlight: 1 })
    await fixture.enqueue(webhook, 2)
    const held = only(await fixture.claim(10))
    const waitMs = await nextDueInMs(fixture, 10)
    assert.ok(waitMs !== null && waitMs <= 30_000)
    await fixture.storage.settle([
      { id: held.id, lease: held.lease, outcome: 'succeeded', attempt: fixture.newAttempt(1) },
    ])
    assert.equal((await fixture.claim(10)).length, 1)
  },
}

function countsOf(claimed: readonly Claimed[], ...webhooks: readonly { readonly id: string }[]): number[] {
  return webhooks.map((webhook) => claimed.filter((delivery) => delivery.webhook.id === webhook.id).length)
}

/** Claims until nothing is due or the limit is met, and returns the last answer's wait. */
async function nextDueInMs(fixture: Fixture, limit: number): Promise<number | null> {
  for (let call = 0; call < 10; call++) {
    const answer = await fixture.storage.claim({ limit, leaseMs: 30_000 })
    if (answer.nextDueInMs !== 0 || answer.claimed.length === limit) return answer.nextDueInMs
  }
  return 0
}

function assertAbout(actualMs: number | null, expectedMs: number): void {
  assert.ok(
    actualMs !== null && actualMs <= expectedMs && actualMs > expectedMs - 1_000,
    `nextDueInMs is ${actualMs}, expected about ${expectedMs}`,
  )
}

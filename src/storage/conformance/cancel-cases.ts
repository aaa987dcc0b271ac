import assert from 'node:assert/strict'
import { type Cases, type Fixture, foreignTenantId, only, tenantId } from './fixture.ts'

export const cancelCases: Cases = {
  'ends what is due and what waits, with the reason given': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const [due] = await fixture.enqueue(webhook, 1)
    const [waiting] = await fixture.enqueue(webhook, 1, { delayMs: 60_000 })
    assert.ok(due !== undefined && waiting !== undefined)
    assert.equal(await cancelAll(fixture, { webhookId: webhook.id }), 2)
    for (const id of [due, waiting]) {
      const { state, reason, dueAt, finishedAt } = await fixture.delivery(id)
      assert.deepEqual({ state, reason, dueAt }, { state: 'cancelled', reason: 'tested', dueAt: null })
      assert.ok(finishedAt instanceof Date)
    }
    await fixture.advance(60_000)
    assert.deepEqual(await fixture.claim(10), [])
  },

  'leaves held and final deliveries alone': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook)
    const done = await fixture.finish(webhook, 'succeeded')
    assert.equal(await cancelAll(fixture, { ids: [held.id, done.id] }), 0)
    assert.equal(await cancelAll(fixture, { webhookId: webhook.id }), 0)
    assert.equal((await fixture.delivery(done.id)).state, 'succeeded')
    const settlement = { id: held.id, lease: held.lease, outcome: 'succeeded', attempt: fixture.newAttempt(1) } as const
    assert.deepEqual(await fixture.storage.settle([settlement]), [{ id: held.id, state: 'succeeded' }])
  },

  'takes what an expired lease held, and fences the late holder': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const late = await fixture.claimNew(webhook, 10_000)
    await fixture.advance(10_000)
    assert.equal(await cancelAll(fixture, { ids: [late.id] }), 1)
    const settlement = { id: late.id, lease: late.lease, outcome: 'succeeded', attempt: fixture.newAttempt(1) } as const
    assert.deepEqual(await fixture.storage.settle([settlement]), [])
    assert.equal((await fixture.delivery(late.id)).state, 'cancelled')
    assert.deepEqual(await fixture.attempts(late.id), [])
  },

  'works in chunks of limit, from cursor to cursor': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    await fixture.enqueue(webhook, 7)
    const first = await fixture.storage.cancel({ tenantId, webhookId: webhook.id, reason: 'tested', limit: 3 })
    assert.equal(first.count, 3)
    assert.equal(typeof first.nextCursor, 'string')
    const { data } = await fixture.storage.listDeliveries({ tenantId, state: 'pending', limit: 10 })
    assert.equal(data.length, 4)
    assert.equal(await cancelAll(fixture, { webhookId: webhook.id, limit: 3 }, first.nextCursor), 4)
    assert.deepEqual(await fixture.claim(10), [])
  },

  'takes only what every filter fits': async (fixture) => {
    const [webhook, other] = [await fixture.insertWebhook(), await fixture.insertWebhook()]
    const early = only(await fixture.enqueue(webhook, 1, { type: 'order.paid' }))
    await fixture.advance(5_000)
    const late = only(await fixture.enqueue(webhook, 1))
    const { createdAt, eventId } = await fixture.delivery(late)
    const misses = [
      { webhookId: other.id },
      { state: 'failed' },
      { type: 'order.paid', after: createdAt },
      { type: 'order.created', before: createdAt },
      { eventId, ids: [early] },
      { ids: [] },
    ] as const
    for (const filter of misses) assert.equal(await cancelAll(fixture, filter), 0, JSON.stringify(filter))
    assert.equal(await cancelAll(fixture, { eventId }), 1)
    assert.equal((await fixture.delivery(late)).state, 'cancelled')
    assert.equal(await cancelAll(fixture, { type: 'order.paid', webhookId: webhook.id, before: createdAt }), 1)
    assert.equal((await fixture.delivery(early)).state, 'cancelled')
  },

  'cancels nothing of another tenant and refuses a foreign cursor': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const ids = await fixture.enqueue(webhook, 1)
    const query = { tenantId: foreignTenantId, ids, webhookId: webhook.id, reason: 'tested', limit: 10 }
    assert.deepEqual(await fixture.storage.cancel(query), { count: 0, nextCursor: null })
    const bad = { tenantId, reason: 'tested', cursor: "' or 1=1", limit: 10 }
    await assert.rejects(fixture.storage.cancel(bad), { code: 'CURSOR_INVALID' })
    assert.equal((await fixture.claim(10)).length, 1)
  },
}

/** Cancels from cursor to cursor until all was seen; returns how many were changed. */
async function cancelAll(
  fixture: Fixture,
  query: Partial<Parameters<Fixture['storage']['cancel']>[0]>,
  cursor: string | null = null,
): Promise<number> {
  let sum = 0
  for (let call = 0; call < 100; call++) {
    const chunk = { limit: 10, ...query, tenantId, reason: 'tested', ...(cursor === null ? {} : { cursor }) }
    const { count, nextCursor } = await fixture.storage.cancel(chunk)
    assert.ok(count <= chunk.limit, `cancelled ${count} with limit ${chunk.limit}`)
    sum += count
    if (nextCursor === null) return sum
    cursor = nextCursor
  }
  throw new assert.AssertionError({ message: 'cancel gave out 100 cursors and came to no end' })
}

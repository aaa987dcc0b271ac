import assert from 'node:assert/strict'
import { type Cases, type Fixture, foreignTenantId, idsOf, only, tenantId } from './fixture.ts'

export const requeueCases: Cases = {
  'makes a final delivery due again, as a manual one with a fresh count': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const failed = await fixture.finish(webhook, 'failed')
    const { count } = await fixture.storage.requeue({ tenantId, ids: [failed.id], limit: 10 })
    assert.equal(count, 1)
    const { state, reason, finishedAt, attemptCount } = await fixture.delivery(failed.id)
    assert.deepEqual(
      { state, reason, finishedAt, attemptCount },
      { state: 'pending', reason: null, finishedAt: null, attemptCount: 1 },
    )
    const again = only(await fixture.claim(10))
    assert.deepEqual(
      [again.id, again.attemptCount, again.attemptsBefore, again.claimCount, again.trigger],
      [failed.id, 1, 1, 1, 'manual'],
    )
    assert.notEqual(again.lease, failed.lease)
    const attempt = fixture.newAttempt(2, { trigger: 'manual', status: 200 })
    await fixture.storage.settle([{ id: again.id, lease: again.lease, outcome: 'succeeded', attempt }])
    const attempts = await fixture.attempts(failed.id)
    assert.deepEqual(
      attempts.map(({ number, trigger }) => [number, trigger]),
      [
        [1, 'auto'],
        [2, 'manual'],
      ],
    )
  },

  'takes every final state and passes pending ones over': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const failed = await fixture.finish(webhook, 'failed')
    const succeeded = await fixture.finish(webhook, 'succeeded')
    const skipped = fixture.newEvent([], {
      deliveries: [{ id: fixture.newId(), webhookId: webhook.id, skip: 'filtered' }],
    })
    await fixture.storage.enqueue([skipped])
    const [cancelled] = await fixture.enqueue(webhook, 1)
    assert.ok(cancelled !== undefined)
    await fixture.storage.cancel({ tenantId, ids: [cancelled], reason: 'manual', limit: 10 })
    const held = await fixture.claimNew(webhook)
    const waiting = only(await fixture.enqueue(webhook, 1, { delayMs: 60_000 }))
    assert.equal(await requeueAll(fixture, {}), 4)
    const claimed = idsOf(await fixture.claim(10))
    assert.deepEqual(claimed, [...idsOf([failed, succeeded]), ...idsOf(skipped.deliveries), cancelled].toSorted())
    assert.equal((await fixture.storage.renew([held], 30_000)).length, 1)
    assert.equal((await fixture.delivery(waiting)).state, 'pending')
    assert.deepEqual(await fixture.claim(10), [])
  },

  'works in chunks of limit, from cursor to cursor': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const ids: string[] = []
    for (let count = 0; count < 7; count++) ids.push((await fixture.finish(webhook)).id)
    const first = await fixture.storage.requeue({ tenantId, webhookId: webhook.id, limit: 3 })
    assert.equal(first.count, 3)
    assert.equal(typeof first.nextCursor, 'string')
    assert.equal((await fixture.claim(100)).length, 3)
    assert.equal(await requeueAll(fixture, { webhookId: webhook.id, limit: 3 }, first.nextCursor), 4)
    assert.equal((await fixture.claim(100)).length, 4)
    const other = await fixture.insertWebhook()
    for (let count = 0; count < 5; count++) await fixture.finish(other)
    const all = (await fixture.storage.listDeliveries({ tenantId, webhookId: other.id, limit: 10 })).data
    assert.equal(await requeueAll(fixture, { ids: all.map(({ id }) => id), limit: 2 }), 5)
  },

  'takes only what every filter fits': async (fixture) => {
    const { storage } = fixture
    const [webhook, other] = [await fixture.insertWebhook(), await fixture.insertWebhook()]
    const failed = await fixture.finish(webhook, 'failed')
    await fixture.advance(5_000)
    const succeeded = await fixture.finish(webhook, 'succeeded')
    await fixture.finish(other, 'failed')
    const { createdAt: after, eventId } = await fixture.delivery(succeeded.id)
    const filters = [
      { state: 'failed', type: 'order.paid' },
      { state: 'failed', webhookId: webhook.id, after },
      { state: 'succeeded', webhookId: webhook.id, before: after },
      { eventId, state: 'failed' },
      { ids: [], webhookId: webhook.id },
      { ids: [failed.id], webhookId: other.id },
      { webhookId: fixture.newId() },
    ] as const
    for (const filter of filters) assert.equal(await requeueAll(fixture, filter), 0, JSON.stringify(filter))
    assert.deepEqual(await fixture.claim(10), [])
    assert.equal(
      await requeueAll(fixture, { state: 'failed', webhookId: webhook.id, before: after, type: 'order.created' }),
      1,
    )
    assert.deepEqual(idsOf(await fixture.claim(10)), [failed.id])
    assert.equal((await storage.requeue({ tenantId, eventId, limit: 10 })).count, 1)
    assert.deepEqual(idsOf(await fixture.claim(10)), [succeeded.id])
  },

  'spreads what it makes due over spreadMs': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    for (let count = 0; count < 40; count++) await fixture.finish(webhook)
    assert.equal(await requeueAll(fixture, { spreadMs: 100_000 }), 40)
    const counts = []
    for (let quarter = 0; quarter < 4; quarter++) {
      await fixture.advance(25_000)
      counts.push((await fixture.claim(100, { leaseMs: 600_000 })).length)
    }
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      40,
    )
    // One in 25,000 runs of a right storage leaves a quarter empty (4 × 0.75^40).
    assert.ok(
      counts.every((count) => count > 0),
      `due by quarters of the spread: ${counts.join(', ')}`,
    )
  },

  'requeues nothing of another tenant and refuses a foreign cursor': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const failed = await fixture.finish(webhook)
    const query = { tenantId: foreignTenantId, ids: [failed.id], webhookId: webhook.id, limit: 10 }
    assert.deepEqual(await fixture.storage.requeue(query), { count: 0, nextCursor: null })
    await assert.rejects(fixture.storage.requeue({ tenantId, cursor: 'x', limit: 10 }), { code: 'CURSOR_INVALID' })
    assert.deepEqual(await fixture.claim(10), [])
  },
}

/** Requeues from cursor to cursor until all was seen; returns how many were changed. */
async function requeueAll(
  fixture: Fixture,
  query: Partial<Parameters<Fixture['storage']['requeue']>[0]>,
  cursor: string | null = null,
): Promise<number> {
  let sum = 0
  for (let call = 0; call < 100; call++) {
    const chunk = { limit: 10, ...query, tenantId, ...(cursor === null ? {} : { cursor }) }
    const { count, nextCursor } = await fixture.storage.requeue(chunk)
    assert.ok(count <= chunk.limit, `requeued ${count} with limit ${chunk.limit}`)
    sum += count
    if (nextCursor === null) return sum
    cursor = nextCursor
  }
  throw new assert.AssertionError({ message: 'requeue gave out 100 cursors and came to no end' })
}

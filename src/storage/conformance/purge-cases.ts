import assert from 'node:assert/strict'
import { type Cases, type Fixture, idsOf, tenantId } from './fixture.ts'

const dayMs = 86_400_000

export const purgeCases: Cases = {
  'removes old events with their deliveries and attempts': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const old = [await fixture.finish(webhook, 'failed'), await fixture.finish(webhook, 'succeeded')]
    const silent = fixture.newEvent([])
    await fixture.storage.enqueue([silent])
    await fixture.advance(2 * dayMs)
    const young = await fixture.finish(webhook)
    await purgeAll(fixture, { eventsOlderThanMs: dayMs })
    for (const { id, event } of old) {
      assert.equal(await fixture.storage.getEvent(event.id, tenantId), null)
      assert.equal(await fixture.storage.getDelivery(id, tenantId), null)
      assert.deepEqual(await fixture.attempts(id), [])
    }
    assert.equal(await fixture.storage.getEvent(silent.id, tenantId), null)
    assert.equal((await fixture.attempts(young.id)).length, 1)
    assert.deepEqual(idsOf((await fixture.storage.listDeliveries({ tenantId, limit: 10 })).data), [young.id])
    assert.deepEqual(idsOf((await fixture.storage.listEvents({ tenantId, limit: 10 })).data), [young.event.id])
  },

  'never touches an event that has a pending delivery': async (fixture) => {
    const [webhook, other] = [await fixture.insertWebhook(), await fixture.insertWebhook()]
    const event = fixture.newEvent([webhook, other])
    await fixture.storage.enqueue([event])
    const [first, second] = await fixture.claim(10)
    assert.ok(first !== undefined && second !== undefined)
    await fixture.storage.settle([
      { id: first.id, lease: first.lease, outcome: 'succeeded', attempt: fixture.newAttempt(1) },
      { id: second.id, lease: second.lease, outcome: 'retry', attempt: fixture.newAttempt(1), retryInMs: 9 * dayMs },
    ])
    const held = await fixture.claimNew(webhook, 9 * dayMs)
    const [due] = await fixture.enqueue(webhook, 1)
    assert.ok(due !== undefined)
    await fixture.advance(2 * dayMs)
    await purgeAll(fixture, { eventsOlderThanMs: dayMs, bodiesOlderThanMs: dayMs, attemptsOlderThanMs: dayMs })
    for (const id of [first.id, second.id, held.id, due]) {
      const { eventId } = await fixture.delivery(id)
      assert.notEqual((await fixture.storage.getEvent(eventId, tenantId))?.body ?? null, null)
    }
    assert.equal((await fixture.attempts(first.id)).length, 1)
    assert.equal((await fixture.attempts(second.id)).length, 1)
    assert.deepEqual(idsOf(await fixture.claim(10)), [due])
  },

  'removes bodies only': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const old = await fixture.finish(webhook)
    await fixture.advance(2 * dayMs)
    const young = await fixture.finish(webhook)
    await purgeAll(fixture, { bodiesOlderThanMs: dayMs })
    const again = await fixture.storage.purge({ bodiesOlderThanMs: dayMs, limit: 2 })
    assert.deepEqual(again, { removed: 0, isDone: true })
    assert.deepEqual(await fixture.storage.getEvent(old.event.id, tenantId), { ...old.event, body: null })
    assert.deepEqual(await fixture.storage.getEvent(young.event.id, tenantId), young.event)
    assert.equal((await fixture.attempts(old.id)).length, 1)
    await fixture.storage.requeue({ tenantId, ids: [old.id], limit: 1 })
    assert.deepEqual(
      (await fixture.claim(10)).map((claimed) => claimed.event.body),
      [null],
    )
  },

  'removes attempts only, and goes on counting them': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const old = await fixture.finish(webhook)
    await fixture.advance(2 * dayMs)
    const young = await fixture.finish(webhook)
    await purgeAll(fixture, { attemptsOlderThanMs: dayMs })
    assert.deepEqual(await fixture.attempts(old.id), [])
    assert.equal((await fixture.delivery(old.id)).attemptCount, 1)
    assert.equal((await fixture.attempts(young.id)).length, 1)
    assert.equal((await fixture.storage.getEvent(old.event.id, tenantId))?.body, old.event.body)
  },

  'removes at most limit a call and says when it is done': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    for (let count = 0; count < 5; count++) await fixture.finish(webhook)
    await fixture.advance(2 * dayMs)
    const countEvents = async () => (await fixture.storage.listEvents({ tenantId, limit: 10 })).data.length
    const first = await fixture.storage.purge({ eventsOlderThanMs: dayMs, limit: 2 })
    assert.ok(first.removed > 0)
    assert.equal(first.isDone, false)
    assert.ok((await countEvents()) >= 3)
    await purgeAll(fixture, { eventsOlderThanMs: dayMs })
    assert.equal(await countEvents(), 0)
    const last = await fixture.storage.purge({ eventsOlderThanMs: dayMs, bodiesOlderThanMs: dayMs, limit: 2 })
    assert.deepEqual(last, { removed: 0, isDone: true })
  },

  'removes nothing unless asked to': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const done = await fixture.finish(webhook)
    await fixture.advance(400 * dayMs)
    assert.deepEqual(await fixture.storage.purge({ limit: 10 }), { removed: 0, isDone: true })
    assert.equal((await fixture.attempts(done.id)).length, 1)
    assert.deepEqual(await fixture.storage.getEvent(done.event.id, tenantId), done.event)
  },
}

async function purgeAll(
  fixture: Fixture,
  query: Omit<Parameters<Fixture['storage']['purge']>[0], 'limit'>,
): Promise<void> {
  for (let call = 0; call < 100; call++) {
    const { isDone } = await fixture.storage.purge({ ...query, limit: 2 })
    if (isDone) return
  }
  throw new assert.AssertionError({ message: 'purge was called 100 times with limit 2 and is not done' })
}

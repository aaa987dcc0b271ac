import assert from 'node:assert/strict'
import { type Cases, foreignTenantId, idsOf, only, tenantId } from './fixture.ts'

export const enqueueCases: Cases = {
  'writes events with their deliveries, due at once': async (fixture) => {
    const { storage } = fixture
    const webhooks = [await fixture.insertWebhook(), await fixture.insertWebhook()]
    const event = fixture.newEvent(webhooks, { contentType: 'text/plain' })
    const answer = await storage.enqueue([event])
    assert.deepEqual(answer, { results: [{ id: event.id, status: 'accepted' }], claimed: [] })
    const { deliveries, ...written } = event
    const stored = await storage.getEvent(event.id, tenantId)
    assert.ok(stored?.createdAt instanceof Date)
    assert.deepEqual(stored, { ...written, idempotencyKey: null, createdAt: stored.createdAt })
    for (const { id, webhookId } of deliveries) {
      const { createdAt, dueAt, ...delivery } = await fixture.delivery(id)
      assert.ok(createdAt instanceof Date && dueAt instanceof Date)
      assert.deepEqual(delivery, {
        id,
        webhookId,
        eventId: event.id,
        tenantId,
        type: event.type,
        state: 'pending',
        reason: null,
        attemptCount: 0,
        isLeased: false,
        lastStatus: null,
        finishedAt: null,
      })
    }
    assert.deepEqual(idsOf(await fixture.claim(10)), idsOf(deliveries))
  },

  'answers in the order of the events': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const events = [1, 2, 3, 4, 5].map(() => fixture.newEvent([webhook])).toReversed()
    const { results } = await fixture.storage.enqueue(events)
    assert.deepEqual(
      results,
      events.map((event) => ({ id: event.id, status: 'accepted' })),
    )
    assert.deepEqual(await fixture.storage.enqueue([]), { results: [], claimed: [] })
  },

  'writes an event that nobody receives': async (fixture) => {
    const event = fixture.newEvent([])
    await fixture.storage.enqueue([event])
    assert.equal((await fixture.storage.getEvent(event.id, tenantId))?.body, event.body)
    assert.deepEqual(await fixture.claim(10), [])
  },

  'writes nothing of a batch in which one delivery cannot be written': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    const [taken] = await fixture.enqueue(webhook, 1)
    assert.ok(taken !== undefined)
    const key = { idempotencyKey: 'key', bodyHash: 'hash', idempotencyTtlMs: 60_000 }
    const good = fixture.newEvent([webhook], key)
    const bad = fixture.newEvent([], { deliveries: [{ id: taken, webhookId: webhook.id }] })
    await assert.rejects(storage.enqueue([good, bad]))
    assert.equal(await storage.getEvent(good.id, tenantId), null)
    assert.equal(await storage.getEvent(bad.id, tenantId), null)
    assert.deepEqual(
      (await storage.listDeliveries({ tenantId, limit: 10 })).data.map(({ id }) => id),
      [taken],
    )
    assert.deepEqual(idsOf(await fixture.claim(10)), [taken])
    const retried = { ...good, bodyHash: 'other' }
    assert.deepEqual((await storage.enqueue([retried])).results, [{ id: good.id, status: 'accepted' }])
  },

  'accepts a repeated event id and writes nothing': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    const first = fixture.newEvent([webhook])
    const repeated = fixture.newEvent([webhook], { id: first.id, body: 'other' })
    await storage.enqueue([first])
    const { results } = await storage.enqueue([repeated])
    assert.deepEqual(results, [{ id: first.id, status: 'accepted' }])
    assert.equal((await storage.getEvent(first.id, tenantId))?.body, first.body)
    assert.deepEqual(idsOf(await fixture.claim(10)), idsOf(first.deliveries))
    assert.deepEqual((await storage.enqueue([first])).results, [{ id: first.id, status: 'accepted' }])
    assert.deepEqual(await fixture.claim(10), [])
  },

  'writes an event once that a batch holds twice': async (fixture) => {
    const event = fixture.newEvent([await fixture.insertWebhook()])
    const result = { id: event.id, status: 'accepted' }
    assert.deepEqual((await fixture.storage.enqueue([event, event])).results, [result, result])
    assert.deepEqual(idsOf(await fixture.claim(10)), idsOf(event.deliveries))
  },

  'takes an event of another tenant for another, though it has the same id': async (fixture) => {
    const { storage } = fixture
    const [own, others] = [await fixture.insertWebhook(), await fixture.insertWebhook({ tenantId: foreignTenantId })]
    const first = fixture.newEvent([own])
    const foreign = fixture.newEvent([others], { id: first.id, tenantId: foreignTenantId, body: 'other' })
    const second = fixture.newEvent([own])
    const alike = fixture.newEvent([others], { id: second.id, tenantId: foreignTenantId, body: 'other' })
    await storage.enqueue([first])
    await storage.enqueue([foreign])
    // And within one batch.
    await storage.enqueue([second, alike])
    for (const { id } of [first, second]) {
      assert.equal((await storage.getEvent(id, tenantId))?.body, first.body)
      assert.equal((await storage.getEvent(id, foreignTenantId))?.body, 'other')
      const { data } = await storage.listDeliveries({ tenantId: foreignTenantId, eventId: id, limit: 10 })
      assert.deepEqual(
        data.map(({ webhookId }) => webhookId),
        [others.id],
      )
    }
    const deliveries = [first, foreign, second, alike].flatMap((event) => event.deliveries)
    assert.deepEqual(idsOf(await fixture.claim(10)).toSorted(), idsOf(deliveries).toSorted())
  },

  'writes nothing of a batch that gives two deliveries one id': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    const good = fixture.newEvent([webhook])
    const bad = fixture.newEvent([webhook], { deliveries: good.deliveries })
    await assert.rejects(storage.enqueue([good, bad]))
    assert.equal(await storage.getEvent(good.id, tenantId), null)
    assert.deepEqual(await fixture.claim(10), [])
  },

  'holds deliveries back for delayMs': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const ids = await fixture.enqueue(webhook, 2, { delayMs: 10_000 })
    assert.deepEqual(await fixture.claim(10), [])
    await fixture.advance(9_000)
    assert.deepEqual(await fixture.claim(10), [])
    assert.deepEqual(await fixture.claim(10, { ids }), [])
    await fixture.advance(1_000)
    assert.deepEqual(idsOf(await fixture.claim(10)), ids)
  },

  'writes a skipped delivery as final, with its reason': async (fixture) => {
    const webhooks = [await fixture.insertWebhook(), await fixture.insertWebhook({ isActive: false })]
    const event = fixture.newEvent(webhooks)
    const [sent, skipped] = event.deliveries
    assert.ok(sent !== undefined && skipped !== undefined)
    await fixture.storage.enqueue([{ ...event, deliveries: [sent, { ...skipped, skip: 'disabled' }] }])
    const { state, reason, dueAt, finishedAt, attemptCount } = await fixture.delivery(skipped.id)
    assert.deepEqual(
      { state, reason, dueAt, attemptCount },
      { state: 'skipped', reason: 'disabled', dueAt: null, attemptCount: 0 },
    )
    assert.ok(finishedAt instanceof Date)
    assert.deepEqual(idsOf(await fixture.claim(10)), [sent.id])
  },

  'leases up to claimFor.limit of the new deliveries in the same step': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const older = await fixture.enqueue(webhook, 1)
    const events = [1, 2, 3].map(() => fixture.newEvent([webhook], { body: 'own' }))
    const { claimed } = await fixture.storage.enqueue(events, { claimFor: { leaseMs: 30_000, limit: 2 } })
    assert.equal(claimed.length, 2)
    const created = events.flatMap((event) => event.deliveries.map((delivery) => delivery.id))
    for (const delivery of claimed) {
      assert.ok(created.includes(delivery.id))
      assert.equal(delivery.event.body, 'own')
      assert.equal((await fixture.delivery(delivery.id)).isLeased, true)
    }
    const rest = await fixture.claim(10)
    assert.deepEqual(idsOf([...claimed, ...rest]), [...older, ...created].toSorted())
    const renewed = await fixture.storage.renew(claimed, 30_000)
    assert.deepEqual(renewed.toSorted(), idsOf(claimed))
  },

  'leases for claimFor under the rules of claim': async (fixture) => {
    const { storage } = fixture
    const capped = await fixture.insertWebhook({ maxInFlight: 2 })
    const gated = await fixture.insertWebhook()
    const inactive = await fixture.insertWebhook({ isActive: false })
    const open = await fixture.insertWebhook()
    await storage.gate(gated.id, 60_000)
    await fixture.claimNew(capped)
    const claimFor = { leaseMs: 30_000, limit: 100 }
    const { claimed } = await storage.enqueue(
      [fixture.newEvent([capped, gated, inactive, open]), fixture.newEvent([capped, open], { delayMs: 0 })],
      { claimFor },
    )
    const late = await storage.enqueue([fixture.newEvent([open], { delayMs: 5_000 })], { claimFor })
    const counts = [capped, gated, inactive, open].map(
      (webhook) => claimed.filter((delivery) => delivery.webhook.id === webhook.id).length,
    )
    assert.deepEqual(counts, [1, 0, 0, 2])
    assert.deepEqual(late.claimed, [])
  },

  'leases nothing of a repeated event, a duplicate or a skipped delivery': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const key = { idempotencyKey: 'key', bodyHash: 'hash', idempotencyTtlMs: 60_000 }
    const first = fixture.newEvent([webhook], key)
    await fixture.storage.enqueue([first])
    const skipped = fixture.newEvent([], {
      deliveries: [{ id: fixture.newId(), webhookId: webhook.id, skip: 'filtered' }],
    })
    const { claimed } = await fixture.storage.enqueue([first, fixture.newEvent([webhook], key), skipped], {
      claimFor: { leaseMs: 30_000, limit: 10 },
    })
    assert.deepEqual(claimed, [])
  },

  'never gives out a delivery to a webhook of another tenant': async (fixture) => {
    const foreign = await fixture.insertWebhook({ tenantId: foreignTenantId })
    const event = fixture.newEvent([foreign])
    const claimFor = { leaseMs: 30_000, limit: 10 }
    // Refusing the event is as good as never claiming it.
    const [answer] = await Promise.allSettled([fixture.storage.enqueue([event], { claimFor })])
    assert.deepEqual(answer.status === 'fulfilled' ? answer.value.claimed : [], [])
    assert.deepEqual(await fixture.claim(10), [])
  },

  'cancels a delivery to a webhook that was deleted before it was written': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    await fixture.storage.deleteWebhook(webhook.id, tenantId)
    const id = only(await fixture.enqueue(webhook, 1))
    assert.deepEqual(await fixture.claim(10), [])
    const { state, reason } = await fixture.delivery(id)
    assert.deepEqual({ state, reason }, { state: 'cancelled', reason: 'deleted' })
  },
}

import assert from 'node:assert/strict'
import type { Page } from '../../domain/delivery.ts'
import type { PageQuery } from '../query.ts'
import { type Cases, foreignTenantId, tenantId } from './fixture.ts'

// A number is right for attempts and wrong elsewhere; an id the other way round.
const badIdCursors = [
  '',
  'x',
  '3',
  '%',
  '019B7600-0000-7000-8000-00000000000A',
  '019b7600-0000-7000-8000-00000000000a ',
]
const badNumberCursors = ['', 'x', '0', '-1', '1.5', '01', '1e3', '019b7600-0000-7000-8000-00000000000a']

export const listingCases: Cases = {
  'lists webhooks by id, newest first, page by page': async (fixture) => {
    const webhooks = Array.from({ length: 7 }, () => fixture.newWebhook())
    for (const index of [3, 0, 6, 1, 5, 2, 4]) {
      const webhook = webhooks[index]
      assert.ok(webhook !== undefined)
      await fixture.storage.insertWebhook(webhook)
    }
    await fixture.insertWebhook({ tenantId: foreignTenantId })
    await assertPages(webhooks, (query) => fixture.storage.listWebhooks({ ...query, tenantId }))
  },

  'lists the webhooks of all tenants by id, page by page': async (fixture) => {
    const webhooks = []
    for (const tenant of [tenantId, foreignTenantId, tenantId, foreignTenantId, 'third', tenantId, foreignTenantId]) {
      webhooks.push(await fixture.insertWebhook({ tenantId: tenant, isActive: tenant !== 'third' }))
    }
    await assertPages(webhooks, (query) => fixture.storage.listAllWebhooks(query))
  },

  'counts the webhooks of a tenant, active or not': async (fixture) => {
    const { storage } = fixture
    assert.equal(await storage.countWebhooks(tenantId), 0)
    const webhook = await fixture.insertWebhook()
    await fixture.insertWebhook({ isActive: false })
    await fixture.insertWebhook({ tenantId: foreignTenantId })
    assert.equal(await storage.countWebhooks(tenantId), 2)
    await storage.deleteWebhook(webhook.id, tenantId)
    assert.equal(await storage.countWebhooks(tenantId), 1)
    assert.equal(await storage.countWebhooks('nobody'), 0)
  },

  'lists webhooks by whether they are active': async (fixture) => {
    const active = await fixture.insertWebhook()
    const inactive = await fixture.insertWebhook({ isActive: false })
    const list = async (isActive: boolean) =>
      (await fixture.storage.listWebhooks({ tenantId, isActive, limit: 10 })).data
    assert.deepEqual([await list(true), await list(false)], [[active], [inactive]])
    await fixture.storage.updateWebhook(active.id, tenantId, { isActive: false })
    assert.deepEqual(await list(true), [])
    assert.equal((await list(false)).length, 2)
  },

  'lists events by id, newest first, page by page': async (fixture) => {
    const events = Array.from({ length: 7 }, () => fixture.newEvent([]))
    await fixture.storage.enqueue(events.toReversed())
    await fixture.storage.enqueue([fixture.newEvent([], { tenantId: foreignTenantId })])
    const stored = []
    for (const event of events) stored.push(await fixture.storage.getEvent(event.id, tenantId))
    await assertPages(stored, (query) => fixture.storage.listEvents({ ...query, tenantId }))
  },

  'lists events by type and time': async (fixture) => {
    const early = fixture.newEvent([], { type: 'order.created' })
    const late = fixture.newEvent([], { type: 'order.paid' })
    await fixture.storage.enqueue([early])
    await fixture.advance(5_000)
    await fixture.storage.enqueue([late])
    const instant = (await fixture.storage.getEvent(late.id, tenantId))?.createdAt
    assert.ok(instant !== undefined)
    const list = async (filter: { type?: string; after?: Date; before?: Date }) =>
      (await fixture.storage.listEvents({ tenantId, limit: 10, ...filter })).data.map((event) => event.id)
    assert.deepEqual(await list({ type: 'order.paid' }), [late.id])
    assert.deepEqual(await list({ type: 'order' }), [])
    assert.deepEqual(await list({ after: instant }), [late.id])
    assert.deepEqual(await list({ before: instant }), [early.id])
    assert.deepEqual(await list({ after: instant, type: 'order.created' }), [])
  },

  'lists deliveries by id, newest first, page by page': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const ids = await fixture.enqueue(webhook, 7)
    const foreign = await fixture.insertWebhook({ tenantId: foreignTenantId })
    await fixture.enqueue(foreign, 1, { tenantId: foreignTenantId })
    const deliveries = []
    for (const id of ids) deliveries.push(await fixture.delivery(id))
    await assertPages(deliveries, (query) => fixture.storage.listDeliveries({ ...query, tenantId }))
    await assertPages(deliveries, (query) =>
      fixture.storage.listDeliveries({ ...query, tenantId, webhookId: webhook.id }),
    )
  },

  'lists deliveries by each filter and by all together': async (fixture) => {
    const [webhook, other] = [await fixture.insertWebhook(), await fixture.insertWebhook()]
    const failed = await fixture.finish(webhook, 'failed')
    await fixture.advance(5_000)
    const fanned = fixture.newEvent([webhook, other], { type: 'order.paid' })
    await fixture.storage.enqueue([fanned])
    const [first, second] = fanned.deliveries.map((delivery) => delivery.id)
    assert.ok(first !== undefined && second !== undefined)
    const instant = (await fixture.delivery(first)).createdAt
    const list = async (filter: Partial<Parameters<typeof fixture.storage.listDeliveries>[0]>) =>
      (await fixture.storage.listDeliveries({ tenantId, limit: 10, order: 'asc', ...filter })).data.map(({ id }) => id)
    assert.deepEqual(await list({ webhookId: webhook.id }), [failed.id, first])
    assert.deepEqual(await list({ eventId: fanned.id }), [first, second])
    assert.deepEqual(await list({ state: 'failed' }), [failed.id])
    assert.deepEqual(await list({ state: 'pending' }), [first, second])
    assert.deepEqual(await list({ type: 'order.paid' }), [first, second])
    assert.deepEqual(await list({ after: instant }), [first, second])
    assert.deepEqual(await list({ before: instant }), [failed.id])
    const every = {
      webhookId: other.id,
      eventId: fanned.id,
      state: 'pending',
      type: 'order.paid',
      after: instant,
    } as const
    assert.deepEqual(await list(every), [second])
    assert.deepEqual(await list({ ...every, state: 'failed' }), [])
    assert.deepEqual(await list({ ...every, before: instant }), [])
    assert.deepEqual(await list({ ...every, tenantId: foreignTenantId }), [])
  },

  'names no delivery of another tenant as the place to go on from': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const events = Array.from({ length: 4 }, () => Array.from({ length: 100 }, () => fixture.newEvent([webhook])))
    for (const batch of events) await fixture.storage.enqueue(batch)
    for (const state of [undefined, 'pending', 'failed'] as const) {
      const query = { tenantId: foreignTenantId, webhookId: webhook.id, limit: 10, ...(state && { state }) }
      assert.deepEqual(await fixture.storage.listDeliveries(query), { data: [], nextCursor: null })
    }
  },

  'pages on over rows that change or come in between': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const ids = await fixture.enqueue(webhook, 4)
    const first = await fixture.storage.listDeliveries({ tenantId, limit: 2 })
    assert.ok(first.nextCursor !== null)
    await fixture.enqueue(webhook, 3)
    await fixture.storage.cancel({ tenantId, ids: [...ids], reason: 'tested', limit: 10 })
    const second = await fixture.storage.listDeliveries({ tenantId, limit: 10, cursor: first.nextCursor })
    assert.deepEqual(
      [...first.data, ...second.data].map(({ id }) => id),
      ids.toReversed(),
    )
  },

  'lists attempts by number, first one first, page by page': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook)
    const attempts = Array.from({ length: 12 }, (_, index) => fixture.newAttempt(index + 1))
    for (const attempt of attempts) {
      await fixture.storage.settle([{ id: held.id, lease: held.lease, outcome: 'continue', attempt, leaseMs: 30_000 }])
    }
    const numbered = attempts.map((attempt) => ({ deliveryId: held.id, ...attempt }))
    await assertPages(
      numbered,
      (query) => fixture.storage.listAttempts({ ...query, tenantId, deliveryId: held.id }),
      'asc',
    )
  },

  'reads nothing of another tenant': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    const done = await fixture.finish(webhook)
    const query = { tenantId: foreignTenantId, limit: 10 }
    assert.equal(await storage.getEvent(done.event.id, foreignTenantId), null)
    assert.equal(await storage.getDelivery(done.id, foreignTenantId), null)
    const pages = [
      await storage.listWebhooks(query),
      await storage.listEvents(query),
      await storage.listDeliveries({ ...query, webhookId: webhook.id }),
      await storage.listDeliveries({ ...query, eventId: done.event.id }),
      await storage.listAttempts({ ...query, deliveryId: done.id }),
    ]
    for (const page of pages) assert.deepEqual(page, { data: [], nextCursor: null })
  },

  'refuses a cursor that no listing gave out': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    const { id: deliveryId } = await fixture.finish(webhook)
    for (const cursor of badIdCursors) {
      const query = { tenantId, limit: 10, cursor }
      await assert.rejects(storage.listWebhooks(query), { code: 'CURSOR_INVALID' }, cursor)
      await assert.rejects(storage.listAllWebhooks({ limit: 10, cursor }), { code: 'CURSOR_INVALID' }, cursor)
      await assert.rejects(storage.listEvents(query), { code: 'CURSOR_INVALID' }, cursor)
      await assert.rejects(storage.listDeliveries(query), { code: 'CURSOR_INVALID' }, cursor)
    }
    for (const cursor of badNumberCursors) {
      const attempts = storage.listAttempts({ tenantId, deliveryId, limit: 10, cursor })
      await assert.rejects(attempts, { code: 'CURSOR_INVALID' }, cursor)
    }
  },

  'answers null for what is not there': async (fixture) => {
    assert.equal(await fixture.storage.getEvent(fixture.newId(), tenantId), null)
    assert.equal(await fixture.storage.getDelivery(fixture.newId(), tenantId), null)
    const page = await fixture.storage.listAttempts({ tenantId, deliveryId: fixture.newId(), limit: 10 })
    assert.deepEqual(page, { data: [], nextCursor: null })
  },
}

/** Reads a listing in both orders and several page sizes; every way must give each row once, in order. */
async function assertPages<T>(
  ascending: readonly T[],
  list: (query: PageQuery) => Promise<Page<T>>,
  usualOrder: 'asc' | 'desc' = 'desc',
): Promise<void> {
  const rows = { asc: ascending, desc: ascending.toReversed() }
  for (const limit of [1, 3, ascending.length, ascending.length + 1]) {
    for (const order of ['asc', 'desc'] as const) assert.deepEqual(await readAll(list, { limit, order }), rows[order])
  }
  assert.deepEqual(await readAll(list, { limit: 2 }), rows[usualOrder])
  const { nextCursor } = await list({ limit: ascending.length })
  assert.equal(nextCursor, null, 'the last page has no nextCursor, also where it is full')
}

async function readAll<T>(list: (query: PageQuery) => Promise<Page<T>>, query: PageQuery): Promise<T[]> {
  const rows: T[] = []
  let page = await list(query)
  for (let count = 0; count < 100; count++) {
    assert.ok(page.data.length <= query.limit, `${page.data.length} rows with limit ${query.limit}`)
    rows.push(...page.data)
    if (page.nextCursor === null) return rows
    page = await list({ ...query, cursor: page.nextCursor })
  }
  throw new assert.AssertionError({ message: 'the listing gave out 100 cursors and came to no end' })
}

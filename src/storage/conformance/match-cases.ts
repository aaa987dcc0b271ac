import assert from 'node:assert/strict'
import { type Cases, foreignTenantId, idsOf, tenantId } from './fixture.ts'

const patterns = ['*', 'order.*', 'order.item.*', 'order.item.added']

export const matchCases: Cases = {
  'finds each webhook that has one of the patterns, once': async (fixture) => {
    const exact = await fixture.insertWebhook({ events: ['order.item.added'] })
    const prefix = await fixture.insertWebhook({ events: ['order.*'] })
    const deep = await fixture.insertWebhook({ events: ['order.item.*'] })
    const all = await fixture.insertWebhook({ events: ['*'] })
    const paused = await fixture.insertWebhook({ events: ['*'], isActive: false, disabledReason: 'manual' })
    const many = await fixture.insertWebhook({ events: ['user.created', ...patterns] })
    await fixture.insertWebhook({ events: ['order', 'order.item', 'order.item.added.late', 'user.*'] })
    const matched = await fixture.match(patterns)
    const expected = [exact, prefix, deep, all, many].map(({ id }) => ({ id, isActive: true }))
    assert.deepEqual(matched, byId([...expected, { id: paused.id, isActive: false }]))
  },

  'finds inactive webhooks too': async (fixture) => {
    const webhook = await fixture.insertWebhook({ isActive: false, disabledReason: 'manual' })
    assert.deepEqual(await fixture.match(patterns), [{ id: webhook.id, isActive: false }])
  },

  'finds nothing without patterns, or where none fits': async (fixture) => {
    await fixture.insertWebhook({ events: ['order.item.added'] })
    assert.deepEqual(await fixture.match([]), [])
    assert.deepEqual(await fixture.match(['order', 'order.item']), [])
  },

  'compares patterns as plain text, case included': async (fixture) => {
    await fixture.insertWebhook({ events: ['order.a_c', 'Order.created'] })
    const near = ['order.abc', 'order.A_C', 'order.created', 'order.%', '%', 'order.a_']
    assert.deepEqual(await fixture.match(near), [])
  },

  'follows updates and removals': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook({ events: ['order.*', 'user.created'] })
    await storage.updateWebhook(webhook.id, tenantId, { events: ['user.created', 'user.gone'] })
    assert.deepEqual(await fixture.match(['order.*']), [])
    assert.deepEqual(idsOf(await fixture.match(['user.created'])), [webhook.id])
    assert.deepEqual(idsOf(await fixture.match(['user.gone'])), [webhook.id])
    await storage.updateWebhook(webhook.id, tenantId, { name: 'renamed' })
    assert.deepEqual(idsOf(await fixture.match(['user.gone'])), [webhook.id])
    await storage.deleteWebhook(webhook.id, tenantId)
    assert.deepEqual(await fixture.match(['user.created', 'user.gone']), [])
  },

  'answers each query by itself, in order': async (fixture) => {
    const { storage } = fixture
    const own = await fixture.insertWebhook({ events: ['order.*'] })
    const foreign = await fixture.insertWebhook({ events: ['*'], tenantId: foreignTenantId })
    const queries = [
      { tenantId: foreignTenantId, patterns: ['*'] },
      { tenantId, patterns: ['user.*'] },
      { tenantId, patterns: ['*', 'order.*'] },
      { tenantId, patterns: ['order.*'] },
    ]
    const matches = (await storage.matchWebhooks(queries)).map(idsOf)
    assert.deepEqual(matches, [[foreign.id], [], [own.id], [own.id]])
    assert.deepEqual(await storage.matchWebhooks([]), [])
  },

  'finds nothing of another tenant': async (fixture) => {
    await fixture.insertWebhook()
    const own = await fixture.insertWebhook({ tenantId: foreignTenantId })
    assert.deepEqual(await fixture.match(patterns, foreignTenantId), [{ id: own.id, isActive: true }])
  },
}

function byId<T extends { readonly id: string }>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

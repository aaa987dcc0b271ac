import assert from 'node:assert/strict'
import { type Cases, foreignTenantId, idsOf, tenantId } from './fixture.ts'

const patterns = ['*', 'order.*', 'order.item.*', 'order.item.added']

export const matchCases: Cases = {
  'finds each webhook that has one of the patterns, once': async (fixture) => {
    const exact = await fixture.insertWebhook({ events: ['order.item.added'] })
    const prefix = await fixture.insertWebhook({ events: ['order.*'] })
    const deep = await fixture.insertWebhook({ events: ['order.item.*'] })
    const all = await fixture.insertWebhook({ events: ['*'] })
    const many = await fixture.insertWebhook({ events: ['user.created', ...patterns] })
    await fixture.insertWebhook({ events: ['order', 'order.item', 'order.item.added.late', 'user.*'] })
    const matched = await fixture.storage.matchWebhooks({ tenantId, patterns })
    assert.deepEqual(idsOf(matched), idsOf([exact, prefix, deep, all, many]))
    assert.deepEqual(
      matched.find((webhook) => webhook.id === many.id),
      many,
    )
  },

  'finds inactive webhooks too': async (fixture) => {
    const webhook = await fixture.insertWebhook({ isActive: false, disabledReason: 'manual' })
    assert.deepEqual(await fixture.storage.matchWebhooks({ tenantId, patterns }), [webhook])
  },

  'finds nothing without patterns, or where none fits': async (fixture) => {
    await fixture.insertWebhook({ events: ['order.item.added'] })
    assert.deepEqual(await fixture.storage.matchWebhooks({ tenantId, patterns: [] }), [])
    assert.deepEqual(await fixture.storage.matchWebhooks({ tenantId, patterns: ['order', 'order.item'] }), [])
  },

  'compares patterns as plain text, case included': async (fixture) => {
    await fixture.insertWebhook({ events: ['order.a_c', 'Order.created'] })
    const near = ['order.abc', 'order.A_C', 'order.created', 'order.%', '%', 'order.a_']
    assert.deepEqual(await fixture.storage.matchWebhooks({ tenantId, patterns: near }), [])
  },

  'follows updates and removals': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook({ events: ['order.*', 'user.created'] })
    await storage.updateWebhook(webhook.id, tenantId, { events: ['user.created', 'user.gone'] })
    assert.deepEqual(await storage.matchWebhooks({ tenantId, patterns: ['order.*'] }), [])
    assert.deepEqual(idsOf(await storage.matchWebhooks({ tenantId, patterns: ['user.created'] })), [webhook.id])
    assert.deepEqual(idsOf(await storage.matchWebhooks({ tenantId, patterns: ['user.gone'] })), [webhook.id])
    await storage.updateWebhook(webhook.id, tenantId, { name: 'renamed' })
    assert.deepEqual(idsOf(await storage.matchWebhooks({ tenantId, patterns: ['user.gone'] })), [webhook.id])
    await storage.deleteWebhook(webhook.id, tenantId)
    assert.deepEqual(await storage.matchWebhooks({ tenantId, patterns: ['user.created', 'user.gone'] }), [])
  },

  'finds nothing of another tenant': async (fixture) => {
    await fixture.insertWebhook()
    const own = await fixture.insertWebhook({ tenantId: foreignTenantId })
    assert.deepEqual(await fixture.storage.matchWebhooks({ tenantId: foreignTenantId, patterns }), [own])
  },
}

import assert from 'node:assert/strict'
import { type Cases, foreignTenantId, tenantId } from './fixture.ts'

export const webhookCases: Cases = {
  'reads back every field that was written': async (fixture) => {
    const { storage } = fixture
    const full = await fixture.insertWebhook({
      events: ['order.*', 'user.created', '*'],
      isActive: false,
      disabledReason: 'gone',
      description: 'build',
      metadata: { team: 'core' },
      maxInFlight: 7,
      createdBy: 'ada',
      createdAt: new Date(Date.UTC(2025, 4, 6, 7, 8, 9, 123)),
    })
    const plain = await fixture.insertWebhook()
    assert.deepEqual(await storage.getWebhook(full.id, tenantId), full)
    assert.deepEqual(await storage.getWebhook(plain.id, tenantId), plain)
  },

  'answers null for an id that is not there': async (fixture) => {
    assert.equal(await fixture.storage.getWebhook(fixture.newId(), tenantId), null)
    assert.equal(await fixture.storage.updateWebhook(fixture.newId(), tenantId, { name: 'x' }), null)
    assert.equal(await fixture.storage.deleteWebhook(fixture.newId(), tenantId), false)
  },

  'refuses a taken id with CONFLICT and keeps the first row': async (fixture) => {
    const first = await fixture.insertWebhook({ name: 'first' })
    const second = { ...first, name: 'second', events: ['other.type'] }
    await assert.rejects(fixture.storage.insertWebhook(second), { code: 'CONFLICT' })
    await assert.rejects(fixture.storage.insertWebhook({ ...second, tenantId: foreignTenantId }), { code: 'CONFLICT' })
    assert.deepEqual(await fixture.storage.getWebhook(first.id, tenantId), first)
    assert.equal(await fixture.storage.getWebhook(first.id, foreignTenantId), null)
    assert.deepEqual(await fixture.match(['other.type']), [])
  },

  'changes the fields given and adds one to version': async (fixture) => {
    const webhook = await fixture.insertWebhook({ description: 'before' })
    const patch = { name: 'renamed', description: null, metadata: { a: 'b' }, events: ['user.*'], maxInFlight: 3 }
    const expected = { ...webhook, ...patch, version: 2 }
    assert.deepEqual(await fixture.storage.updateWebhook(webhook.id, tenantId, patch), expected)
    assert.deepEqual(await fixture.storage.getWebhook(webhook.id, tenantId), expected)
    const disabled = { isActive: false, disabledReason: 'manual', updatedAt: new Date(fixture.now().getTime() + 5) }
    assert.deepEqual(await fixture.storage.updateWebhook(webhook.id, tenantId, disabled, 2), {
      ...expected,
      ...disabled,
      version: 3,
    })
  },

  'refuses an update of another version with CONFLICT and changes nothing': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const update = fixture.storage.updateWebhook(webhook.id, tenantId, { name: 'x', events: ['user.*'] }, 2)
    await assert.rejects(update, { code: 'CONFLICT' })
    assert.deepEqual(await fixture.storage.getWebhook(webhook.id, tenantId), webhook)
    assert.deepEqual(await fixture.match(['user.*']), [])
  },

  'lets one of several concurrent updates of the same version win': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const updates = await Promise.allSettled(
      ['a', 'b', 'c', 'd'].map((name) => fixture.storage.updateWebhook(webhook.id, tenantId, { name }, 1)),
    )
    assert.equal(updates.filter((update) => update.status === 'fulfilled').length, 1)
    assert.equal((await fixture.storage.getWebhook(webhook.id, tenantId))?.version, 2)
  },

  'removes a webhook once': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    assert.equal(await fixture.storage.deleteWebhook(webhook.id, tenantId), true)
    assert.equal(await fixture.storage.getWebhook(webhook.id, tenantId), null)
    assert.equal(await fixture.storage.deleteWebhook(webhook.id, tenantId), false)
    assert.deepEqual((await fixture.storage.listWebhooks({ tenantId, limit: 10 })).data, [])
  },

  'answers another tenant as if the webhook were missing': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    assert.equal(await storage.getWebhook(webhook.id, foreignTenantId), null)
    assert.equal(await storage.updateWebhook(webhook.id, foreignTenantId, { name: 'stolen' }), null)
    assert.equal(await storage.updateWebhook(webhook.id, foreignTenantId, { name: 'stolen' }, 9), null)
    assert.equal(await storage.deleteWebhook(webhook.id, foreignTenantId), false)
    assert.deepEqual((await storage.listWebhooks({ tenantId: foreignTenantId, limit: 10 })).data, [])
    assert.deepEqual(await storage.getWebhook(webhook.id, tenantId), webhook)
  },

  'keeps the gate with the webhook, version unchanged': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    await storage.gate(webhook.id, 60_000)
    const gated = await storage.getWebhook(webhook.id, tenantId)
    assert.ok(gated?.gateUntil instanceof Date)
    assert.deepEqual({ ...gated, gateUntil: null }, webhook)
    await storage.updateWebhook(webhook.id, tenantId, { name: 'renamed' })
    assert.deepEqual((await storage.getWebhook(webhook.id, tenantId))?.gateUntil, gated.gateUntil)
    await storage.gate(webhook.id, null)
    assert.equal((await storage.getWebhook(webhook.id, tenantId))?.gateUntil, null)
    await storage.gate(fixture.newId(), 60_000)
  },

  'opens and closes any number of times': async (fixture) => {
    await fixture.storage.open()
    await fixture.insertWebhook()
    assert.equal((await fixture.storage.listWebhooks({ tenantId, limit: 10 })).data.length, 1)
    await fixture.storage.close()
    await fixture.storage.close()
  },
}

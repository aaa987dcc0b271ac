import assert from 'node:assert/strict'
import { type Cases, only, tenantId } from './fixture.ts'

const texts = [
  '',
  ' leading and trailing \n',
  'naïve 漢字 🪝 \u200b\u2028\ufeff',
  `'single' "double" \`back\``,
  '$1 $2 :name @p ?1 ? %s {0}',
  '\\ \\n \\u0000 C:\\temp',
  "'; DROP TABLE posthorn_events; --",
  '\t\r\n\u0001\u001f\u007f',
  '{"b":1,"a":2, "n": 1.0, "big":12345678901234567890}',
]

export const fidelityCases: Cases = {
  'keeps bodies to the character': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    for (const body of [...texts, 'ä'.repeat(1024 * 1024)]) {
      const event = fixture.newEvent([webhook], { body, contentType: `text/plain; x=${body.slice(0, 50)}` })
      await fixture.storage.enqueue([event])
      const stored = await fixture.storage.getEvent(event.id, tenantId)
      const claimed = only(await fixture.claim(10))
      // Compared as booleans: a megabyte of difference helps nobody.
      assert.equal(stored?.body === body, true, `body of ${body.length} characters read back`)
      assert.equal(claimed.event.body === body, true, `body of ${body.length} characters claimed`)
      assert.equal(claimed.event.contentType, event.contentType)
    }
  },

  'keeps the texts of webhooks, reasons and attempts to the character': async (fixture) => {
    for (const text of texts) {
      const webhook = await fixture.insertWebhook({ name: text, description: text, sealed: text, createdBy: text })
      assert.deepEqual(await fixture.storage.getWebhook(webhook.id, tenantId), webhook)
      const held = await fixture.claimNew(webhook)
      const attempt = fixture.newAttempt(1, { responseBody: text, responseHeaders: { 'x-text': text } })
      await fixture.storage.settle([{ id: held.id, lease: held.lease, outcome: 'failed', attempt, reason: text }])
      assert.deepEqual(await fixture.attempts(held.id), [{ deliveryId: held.id, ...attempt }])
      assert.equal((await fixture.delivery(held.id)).reason, text)
    }
  },

  'keeps maps whole, also under the names of Object.prototype': async (fixture) => {
    const map = asMap('{"__proto__":"a","constructor":"b","toString":"c","":"d","1":"e","ключ":"f"}')
    const webhook = await fixture.insertWebhook({ metadata: map })
    const held = await fixture.claimNew(webhook)
    const attempt = fixture.newAttempt(1, { responseHeaders: map })
    await fixture.storage.settle([{ id: held.id, lease: held.lease, outcome: 'succeeded', attempt }])
    const metadata = (await fixture.storage.getWebhook(webhook.id, tenantId))?.metadata ?? {}
    const headers = only(await fixture.attempts(held.id)).responseHeaders ?? {}
    for (const stored of [metadata, headers, held.webhook.metadata]) {
      assert.deepEqual(new Map(Object.entries(stored)), new Map(Object.entries(map)))
    }
    const patch = { metadata: asMap('{"__proto__":"z"}') }
    const updated = await fixture.storage.updateWebhook(webhook.id, tenantId, patch)
    assert.deepEqual(Object.entries(updated?.metadata ?? {}), [['__proto__', 'z']])
  },

  'keeps dates to the millisecond': async (fixture) => {
    const instants = [0, 1, 1_699_999_999_999, Date.UTC(2100, 1, 28, 23, 59, 59, 999)]
    for (const instant of instants) {
      const webhook = await fixture.insertWebhook({ createdAt: new Date(instant), updatedAt: new Date(instant + 1) })
      assert.deepEqual(await fixture.storage.getWebhook(webhook.id, tenantId), webhook)
      const held = await fixture.claimNew(webhook)
      const attempt = fixture.newAttempt(1, { startedAt: new Date(instant) })
      await fixture.storage.settle([{ id: held.id, lease: held.lease, outcome: 'succeeded', attempt }])
      assert.deepEqual(only(await fixture.attempts(held.id)).startedAt, new Date(instant))
    }
  },

  'stores what was passed, whatever the caller does with it afterwards': async (fixture) => {
    const webhook = fixture.newWebhook({ metadata: { team: 'core' } })
    const expected = structuredClone(webhook)
    await fixture.storage.insertWebhook(webhook)
    vandalize(webhook)
    assert.deepEqual(await fixture.storage.getWebhook(expected.id, tenantId), expected)
    const held = await fixture.claimNew(expected)
    const attempt = fixture.newAttempt(1)
    const recorded = { deliveryId: held.id, ...structuredClone(attempt) }
    await fixture.storage.settle([{ id: held.id, lease: held.lease, outcome: 'succeeded', attempt }])
    vandalize(attempt)
    assert.deepEqual(await fixture.attempts(held.id), [recorded])
  },

  'gives out copies: changing one changes nothing stored': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook({ metadata: { team: 'core' } })
    const held = await fixture.claimNew(webhook)
    const { id } = held
    const eventId = held.event.id
    await storage.settle([{ id, lease: held.lease, outcome: 'retry', attempt: fixture.newAttempt(1), retryInMs: 0 }])
    vandalize(await storage.updateWebhook(webhook.id, tenantId, { name: 'renamed' }))
    const query = { tenantId, limit: 10 }
    const readAll = async () => [
      await storage.getWebhook(webhook.id, tenantId),
      await storage.listWebhooks(query),
      await storage.matchWebhooks([{ tenantId, patterns: ['order.*'] }]),
      await storage.getEvent(eventId, tenantId),
      await storage.listEvents(query),
      await fixture.delivery(id),
      await storage.listDeliveries(query),
      await storage.listAttempts({ ...query, deliveryId: id }),
    ]
    const expected = { ...webhook, name: 'renamed', version: 2 }
    assert.deepEqual(await storage.getWebhook(webhook.id, tenantId), expected)
    const before = structuredClone(await readAll())
    vandalize(held)
    vandalize(await readAll())
    assert.deepEqual(await readAll(), before)
    assert.deepEqual(only(await fixture.claim(10)).webhook, expected)
  },
}

function asMap(json: string): Record<string, string> {
  // JSON.parse is the one plain way to an own property named __proto__.
  return JSON.parse(json) as Record<string, string>
}

/** Overwrites everything in a value that can be overwritten. */
function vandalize(value: unknown): void {
  if (value instanceof Date) {
    value.setTime(0)
  } else if (Array.isArray(value)) {
    for (const element of value) vandalize(element)
    Reflect.set(value, 'length', 0)
  } else if (typeof value === 'object' && value !== null) {
    for (const key of Object.keys(value)) {
      vandalize(Reflect.get(value, key))
      Reflect.set(value, key, 'vandalized')
    }
  }
}

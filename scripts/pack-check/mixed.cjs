// An app that requires one entry and imports another holds Posthorn twice: errors of one copy must be known to the other.
const assert = require('node:assert/strict')
const { WebhookRegistry, EventDispatcher, PosthornError, memoryStorage } = require('posthorn')

async function main() {
  const imported = await import('posthorn/verify')
  assert.notEqual(imported.PosthornError, PosthornError, 'both formats are one copy, so nothing was compared')
  const registry = new WebhookRegistry({ storage: memoryStorage() })
  const error = await registry.get('missing').catch((/** @type {unknown} */ problem) => problem)
  assert.ok(error instanceof PosthornError)
  assert.ok(error instanceof imported.PosthornError, 'an error of the CommonJS copy is none to the ESM copy')

  const { createWebhookApi } = await import('posthorn/http')
  const dispatcher = new EventDispatcher({ registry })
  const api = createWebhookApi({ registry, dispatcher, authorize: 'none' })
  const body = JSON.stringify({ name: '' })
  const headers = { 'content-type': 'application/json' }
  const answer = await api(new Request('http://localhost/webhooks', { method: 'POST', headers, body }))
  assert.equal(answer.status, 422)
}

void main()

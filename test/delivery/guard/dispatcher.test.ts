import { EventDispatcher, memoryStorage, WebhookRegistry, type AddressOptions, type DeliveryBlocked } from 'posthorn'
import { createWebhookApi } from 'posthorn/http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startForbiddenListener } from '../../support/forbidden-listener.ts'
import { loopback } from '../../support/loopback.ts'
import { openedSockets } from '../../support/opened-sockets.ts'
import { startReceiver } from '../../support/receiver.ts'

const refusal = 'leads to an address that webhooks may not use: give a public one'

// A registry without options, over webhooks that another one has stored.
async function filledBefore(url: string, addresses?: AddressOptions) {
  const storage = memoryStorage()
  const { id } = await new WebhookRegistry({ storage, addresses: loopback }).create({ name: 'a', url, events: ['*'] })
  const registry = new WebhookRegistry({ storage, ...(addresses && { addresses }) })
  const dispatcher = new EventDispatcher({ registry, retry: { retries: 0 } })
  onTestFinished(() => dispatcher.stop({ timeoutMs: 0 }))
  const blocked: DeliveryBlocked[] = []
  dispatcher.on('delivery.blocked', (event) => void blocked.push(event))
  return { id, registry, dispatcher, blocked }
}

describe('WebhookRegistry, unless addresses are allowed', () => {
  const registry = new WebhookRegistry({ storage: memoryStorage() })
  const good = { name: 'a', url: 'https://example.com/hook', events: ['*'] }
  const bad = ['https://127.0.0.1/hook', 'https://redis/hook', 'https://example.com:22/hook']

  it.each(bad)('registers no webhook for %s, by create, update or replace', async (url) => {
    const { id } = await registry.create(good)
    const refused = { code: 'VALIDATION_FAILED', issues: [{ path: 'url', message: refusal }] }
    await expect(registry.create({ ...good, url })).rejects.toMatchObject(refused)
    await expect(registry.update(id, { url })).rejects.toMatchObject(refused)
    await expect(registry.replace(id, { ...good, url })).rejects.toMatchObject(refused)
    expect(await registry.get(id)).toMatchObject({ url: good.url })
  })

  it('tells the operator why, and the owner that', async () => {
    const error = await registry.create({ ...good, url: bad[0]! }).catch((thrown: unknown) => thrown)
    const reason = '127.0.0.1 is in 127.0.0.0/8: loopback (RFC 1122)'
    expect(error).toMatchObject({ cause: { code: 'ADDRESS_BLOCKED', block: { code: 'ip', reason } } })
    const dispatcher = new EventDispatcher({ registry })
    const api = createWebhookApi({ registry, dispatcher, authorize: 'none' })
    const answers = await Promise.all(
      bad.map(async (url) => {
        const headers = { 'content-type': 'application/json' }
        const body = JSON.stringify({ ...good, url })
        const response = await api(new Request('http://localhost/webhooks', { method: 'POST', headers, body }))
        return await response.text()
      }),
    )
    // Whichever rule it was, the answer is the same.
    expect(new Set(answers).size).toBe(1)
    expect(JSON.parse(answers[0]!)).toMatchObject({ issues: [{ path: 'url', message: refusal }] })
    expect(answers[0]).not.toMatch(/loopback|127|RFC|port/)
  })
})

describe('EventDispatcher, over webhooks that were stored under other rules', () => {
  it.each([
    ['http:', undefined, 'scheme'],
    ['https:', undefined, 'ip'],
    ['http:', { allowHttp: true }, 'ip'],
    ['http:', { ...loopback, ports: [443] }, 'port'],
  ] as const)('sends nothing to %s//127.0.0.1 with %j', async (scheme, addresses, rule) => {
    await using forbidden = await startForbiddenListener('127.0.0.1')
    using opened = openedSockets()
    const { id, dispatcher, blocked } = await filledBefore(
      `${scheme}//127.0.0.1:${forbidden.port}/a?token=b`,
      addresses,
    )
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    const { data } = await dispatcher.listDeliveries()
    expect(data).toMatchObject([{ state: 'failed', reason: 'exhausted' }])
    const { attempts } = await dispatcher.getDelivery(data[0]!.id)
    expect(attempts).toMatchObject([{ status: null, error: 'blocked', responseBody: null }])
    expect(blocked).toMatchObject([{ webhookId: id, deliveryId: data[0]!.id, type: 'a.b', rule }])
    expect(JSON.stringify(blocked)).not.toContain('token')
    expect(opened.sockets).toHaveLength(0)
    expect(forbidden.reached.connections).toBe(0)
  })

  it('sends no test either, and answers with what was met, not why', async () => {
    await using forbidden = await startForbiddenListener('127.0.0.1')
    const { id, registry, dispatcher, blocked } = await filledBefore(`https://127.0.0.1:${forbidden.port}/`)
    const api = createWebhookApi({ registry, dispatcher, authorize: 'none' })
    const response = await api(new Request(`http://localhost/webhooks/${id}/test`, { method: 'POST' }))
    const text = await response.text()
    expect(JSON.parse(text)).toMatchObject({ state: 'failed', attempt: { status: null, error: 'blocked' } })
    expect(text).not.toMatch(/loopback|"ip"|RFC|rule|block":/)
    expect(blocked).toMatchObject([{ rule: 'ip', detail: '127.0.0.1 is in 127.0.0.0/8: loopback (RFC 1122)' }])
    expect(forbidden.reached.connections).toBe(0)
  })

  it('judges URLs for a fetch that was given too', async () => {
    const { id, registry } = await filledBefore('http://127.0.0.1:8080/')
    let calls = 0
    const fetch = async () => {
      calls += 1
      return new Response()
    }
    const dispatcher = new EventDispatcher({ registry, fetch })
    expect(await dispatcher.test(id)).toMatchObject({ attempt: { error: 'blocked' } })
    await dispatcher.stop()
    expect(calls).toBe(0)
  })

  it('delivers again once the address is allowed, within the retries that are left', async () => {
    await using receiver = await startReceiver()
    const storage = memoryStorage()
    const allowing = new WebhookRegistry({ storage, addresses: loopback })
    await allowing.create({ name: 'a', url: receiver.url, events: ['*'] })
    const strict = new EventDispatcher({
      registry: new WebhookRegistry({ storage }),
      retry: { retries: 0 },
      schedule: [1],
    })
    await strict.dispatch('a.b', {})
    await strict.runOnce()
    await strict.stop()
    const dispatcher = new EventDispatcher({ registry: allowing, retry: { retries: 0 }, schedule: [1] })
    onTestFinished(() => dispatcher.stop())
    await expect.poll(() => dispatcher.runOnce()).toMatchObject({ succeeded: 1 })
    expect(receiver.received).toHaveLength(1)
  })
})

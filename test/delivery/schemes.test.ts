import { describe, expect, it } from 'vitest'
import { EventDispatcher, ipaScheme, memoryStorage, standardWebhooks, Verifier, WebhookRegistry } from 'posthorn'
import { loopback } from '../support/loopback.ts'
import { startReceiver } from '../support/receiver.ts'

describe('a dispatcher with several schemes', () => {
  it('signs every request with each, over one body', async () => {
    await using receiver = await startReceiver()
    const registry = new WebhookRegistry({ addresses: loopback, storage: memoryStorage() })
    const dispatcher = new EventDispatcher({ registry, schemes: [standardWebhooks, ipaScheme] })
    const { secret } = await registry.create({ name: 'a', url: receiver.url, events: ['*'] })
    const { eventId } = await dispatcher.dispatch('a.b', { z: 'ü', a: 1e-7 })
    await dispatcher.drain()

    const [request] = receiver.received
    expect(request?.body).toMatch(/^\{"data": \{"a": 1e-07, "z": "\\u00fc"\}, "id": "/)
    expect(request?.headers['x-ipa-event']).toBe('a.b')
    expect(request?.headers['x-ipa-signature']).toMatch(/^[0-9a-f]{64}$/)
    const received = { headers: request!.headers, body: request!.body }
    const standard = await new Verifier({ secret }).verify(received)
    const ipa = await new Verifier({ secret, scheme: ipaScheme }).verify(received)
    expect(standard.eventId).toBe(eventId)
    expect(ipa.payload).toEqual(standard.payload)
  })

  it('signs with ipaScheme alone', async () => {
    await using receiver = await startReceiver()
    const registry = new WebhookRegistry({ addresses: loopback, storage: memoryStorage() })
    const dispatcher = new EventDispatcher({ registry, schemes: [ipaScheme] })
    const { secret } = await registry.create({ name: 'a', url: receiver.url, events: ['*'] })
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    const { headers, body } = receiver.received[0]!
    expect(headers['webhook-signature']).toBeUndefined()
    expect(await new Verifier({ secret, scheme: ipaScheme }).verify({ headers, body })).toMatchObject({
      scheme: ipaScheme.name,
    })
  })

  it('refuses two that each write the body their own way, and the same one twice', () => {
    const registry = new WebhookRegistry({ addresses: loopback, storage: memoryStorage() })
    const other = { ...ipaScheme, name: 'other' }
    expect(() => new EventDispatcher({ registry, schemes: [ipaScheme, other] })).toThrow(/body their own way/)
    expect(() => new EventDispatcher({ registry, schemes: [ipaScheme, ipaScheme] })).toThrow(/twice/)
  })
})

import { describe, expect, it, vi } from 'vitest'
import { EventDispatcher, memoryStorage, WebhookRegistry, type LifecycleEvents } from 'posthorn'
import { loopback } from '../support/loopback.ts'
import { startReceiver } from '../support/receiver.ts'

const names = [
  'delivery.attempted',
  'delivery.succeeded',
  'delivery.failed',
  'delivery.cancelled',
  'delivery.lost',
  'webhook.disabled',
  'worker.error',
] as const

async function setUp(url: string) {
  const registry = new WebhookRegistry({ addresses: loopback, storage: memoryStorage() })
  const dispatcher = new EventDispatcher({ registry, retry: { retries: 1, minTimeout: 1 } })
  const webhook = await registry.create({ name: 'a', url, events: ['*'] })
  const heard: string[] = []
  return { registry, dispatcher, webhook, heard }
}

describe('EventDispatcher.on', () => {
  it('tells of every attempt and of the end, in order', async () => {
    await using receiver = await startReceiver((_, nth) => (nth === 1 ? 500 : 204))
    const { dispatcher, webhook, heard } = await setUp(receiver.url)
    for (const name of names) dispatcher.on(name, () => heard.push(name))
    const attempts: LifecycleEvents['delivery.attempted'][] = []
    dispatcher.on('delivery.attempted', (event) => attempts.push(event))
    const { eventId } = await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    expect(heard).toEqual(['delivery.attempted', 'delivery.attempted', 'delivery.succeeded'])
    const ref = { eventId, type: 'a.b', webhookId: webhook.id, tenantId: 'default', deliveryId: expect.any(String) }
    expect(attempts).toEqual([
      { ...ref, nextAttemptInMs: 1, attempt: expect.objectContaining({ number: 1, status: 500 }) },
      { ...ref, nextAttemptInMs: null, attempt: expect.objectContaining({ number: 2, status: 204 }) },
    ])
  })

  it('tells why a delivery failed', async () => {
    await using receiver = await startReceiver(() => 500)
    const { dispatcher } = await setUp(receiver.url)
    const failed: LifecycleEvents['delivery.failed'][] = []
    dispatcher.on('delivery.failed', (event) => failed.push(event))
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    expect(failed).toMatchObject([{ reason: 'exhausted', attempt: { number: 2, status: 500 } }])
  })

  it('shields deliveries from listeners that throw or reject, and reports them', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, heard } = await setUp(receiver.url)
    const errors: LifecycleEvents['worker.error'][] = []
    dispatcher.on('worker.error', (event) => errors.push(event))
    dispatcher.on('delivery.succeeded', () => {
      throw new Error('thrown')
    })
    dispatcher.on('delivery.succeeded', async () => {
      throw new Error('rejected')
    })
    dispatcher.on('delivery.succeeded', () => heard.push('third'))
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    expect(heard).toEqual(['third'])
    expect(errors.map(({ error, during }) => [String(error), during])).toEqual([
      ['Error: thrown', 'listener of delivery.succeeded'],
      ['Error: rejected', 'listener of delivery.succeeded'],
    ])
  })

  it('warns of inner errors that nobody listens for, and of those that the listener itself makes', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    try {
      await using receiver = await startReceiver()
      const { dispatcher } = await setUp(receiver.url)
      dispatcher.on('delivery.succeeded', () => {
        throw new Error('first')
      })
      await dispatcher.dispatch('a.b', {})
      await dispatcher.drain()
      dispatcher.on('worker.error', () => {
        throw new Error('second')
      })
      await dispatcher.dispatch('a.b', {})
      await dispatcher.drain()
      expect(warnings.mock.calls.map(([text]) => String(text).split('\n')[0])).toEqual([
        'Error: first',
        'Error: second',
      ])
    } finally {
      warnings.mockRestore()
    }
  })

  it('survives whatever a listener throws or rejects with', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    try {
      await using receiver = await startReceiver()
      const { dispatcher } = await setUp(receiver.url)
      const oddities = [Object.create(null), Object.assign(new Error('odd'), { stack: Symbol('stack') }), undefined]
      for (const oddity of oddities) {
        dispatcher.on('delivery.succeeded', () => {
          throw oddity
        })
        dispatcher.on('delivery.succeeded', () => Promise.reject(oddity))
        dispatcher.on('delivery.succeeded', () => ({
          then: (_: unknown, reject: (reason: unknown) => void) => reject(oddity),
        }))
      }
      await dispatcher.dispatch('a.b', {})
      expect(await dispatcher.runOnce()).toMatchObject({ succeeded: 1 })
      await new Promise((resolve) => setImmediate(resolve))
      expect(warnings).toHaveBeenCalledTimes(9)
      expect(warnings.mock.calls.every(([text]) => typeof text === 'string')).toBe(true)
    } finally {
      warnings.mockRestore()
    }
  })

  it('counts the same function twice where it was added twice', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, heard } = await setUp(receiver.url)
    const listener = () => heard.push('heard')
    const off = dispatcher.on('delivery.succeeded', listener)
    dispatcher.on('delivery.succeeded', listener)
    off()
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    expect(heard).toEqual(['heard'])
  })

  it('ends with the function that it returned', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, heard } = await setUp(receiver.url)
    const off = dispatcher.on('delivery.succeeded', () => heard.push('heard'))
    off()
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    expect(heard).toEqual([])
  })
})

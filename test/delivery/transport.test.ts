import { describe, expect, it, vi } from 'vitest'
import {
  EventDispatcher,
  type EventDispatcherOptions,
  type Hint,
  memoryStorage,
  type Storage,
  type Transport,
  WebhookRegistry,
} from 'posthorn'
import { loopback } from '../support/loopback.ts'
import { overriding } from '../support/overriding.ts'
import { gate, startReceiver } from '../support/receiver.ts'
import { handTransport } from './hand-transport.ts'

async function setUp(
  url: string,
  transport: Transport,
  options: Partial<EventDispatcherOptions> = {},
  changes: (intact: Storage) => Partial<Storage> = () => ({}),
) {
  const intact = memoryStorage()
  const registry = new WebhookRegistry({ storage: overriding(intact, changes(intact)), addresses: loopback })
  const dispatcher = new EventDispatcher({ registry, transport, pollIntervalMs: 60_000, ...options })
  const webhook = await registry.create({ name: 'a', url, events: ['wanted.*'], maxInFlight: 64 })
  const errors: string[] = []
  dispatcher.on('worker.error', ({ error, during }) => errors.push(`${during}: ${String(error)}`))
  return { intact, registry, dispatcher, webhook, errors }
}

const many = (count: number) => Array.from({ length: count }, (_, n) => ({ type: 'wanted.one', data: n }))

async function turns(count = 20) {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('a transport of EventDispatcher', () => {
  it('gets a hint of every delivery that is written, and the dispatcher begins none of them by itself', async () => {
    await using receiver = await startReceiver()
    const { transport, published, receive } = handTransport()
    const { dispatcher, registry } = await setUp(receiver.url, transport)
    await registry.create({ name: 'off', url: receiver.url, events: ['*'], isActive: false })
    await dispatcher.start()
    await dispatcher.drain()
    await dispatcher.dispatch('wanted.one', {})
    await dispatcher.dispatch('wanted.one', {}, { delayMs: 5000 })
    await dispatcher.dispatch('unwanted.one', {})
    await turns()
    const { data } = await dispatcher.listDeliveries({ state: 'pending', order: 'asc' })
    expect(published).toEqual([
      { deliveryId: data[0]?.id, key: data[0]?.id, delayMs: 0 },
      { deliveryId: data[1]?.id, key: data[1]?.id, delayMs: 5000 },
    ])
    expect(receiver.received).toHaveLength(0)
    expect(await receive(data[0]?.id)).toBe('succeeded')
    expect(await receive(data[0]?.id)).toBe('undue')
    expect(receiver.received).toHaveLength(1)
    await dispatcher.stop()
  })

  it('gets no second hint for a duplicate, and one with a key of its own for each retry', async () => {
    await using receiver = await startReceiver(() => 503)
    const { transport, published, receive } = handTransport()
    const options = { retry: { retries: 0 }, schedule: [1000, 1000], random: () => 0 }
    const { dispatcher } = await setUp(receiver.url, transport, options)
    await dispatcher.start()
    await dispatcher.drain()
    const first = await dispatcher.dispatch('wanted.one', {}, { idempotencyKey: 'k' })
    expect(await dispatcher.dispatch('wanted.one', {}, { idempotencyKey: 'k' })).toMatchObject({ status: 'duplicate' })
    await turns()
    expect(first.deliveries).toBe(1)
    expect(published).toHaveLength(1)
    expect(await receive(published[0]?.deliveryId)).toBe('pending')
    await turns()
    expect(published).toHaveLength(2)
    expect(published[1]).toMatchObject({ deliveryId: published[0]?.deliveryId, delayMs: 1000 })
    expect(published[1]?.key).not.toBe(published[0]?.key)
    await dispatcher.stop()
  })

  it('has hints that come together claimed together', async () => {
    await using receiver = await startReceiver()
    const { transport, published, receive } = handTransport()
    let claims = 0
    const { dispatcher } = await setUp(receiver.url, transport, {}, (storage) => ({
      claim: async (query) => (claims++, await storage.claim(query)),
    }))
    await dispatcher.start()
    await dispatcher.drain()
    await dispatcher.dispatchMany(many(60))
    await turns()
    const before = claims
    const states = await Promise.all(published.map(({ deliveryId }) => receive(deliveryId)))
    expect(states).toEqual(Array<string>(60).fill('succeeded'))
    expect(claims - before).toBeLessThanOrEqual(2)
    await dispatcher.stop()
  })

  it('waits with hints for room, and never has more under way than the concurrency', async () => {
    const held = gate()
    await using receiver = await startReceiver(async () => (await held.opened, 204))
    const { transport, published, receive } = handTransport()
    const { dispatcher, intact } = await setUp(receiver.url, transport, { concurrency: 3 })
    await dispatcher.start()
    await dispatcher.drain()
    await dispatcher.dispatchMany(many(10))
    await turns()
    const states = Promise.all(published.map(({ deliveryId }) => receive(deliveryId)))
    await expect.poll(() => receiver.received.length).toBe(3)
    await turns()
    expect(await intact.stats({})).toMatchObject({ leased: 3, ready: 7 })
    held.open()
    // Those that are done make the claim loop look too: it and the hints share what is left.
    expect((await states).every((state) => state === 'succeeded' || state === 'undue')).toBe(true)
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(10)
    await dispatcher.stop()
  })

  it('may hand a hint to one whose webhook is at its cap elsewhere: it looks again when a place is free', async () => {
    const held = gate()
    await using receiver = await startReceiver(async () => (await held.opened, 204))
    const [one, two] = [handTransport(), handTransport()]
    const { dispatcher: first, registry, webhook } = await setUp(receiver.url, one.transport)
    await registry.update(webhook.id, { maxInFlight: 2 })
    const second = new EventDispatcher({ registry, transport: two.transport, pollIntervalMs: 60_000 })
    for (const dispatcher of [first, second]) {
      await dispatcher.start()
      await dispatcher.drain()
    }
    await first.dispatchMany(many(3))
    await turns()
    const [a, b, c] = one.published.map(({ deliveryId }) => deliveryId)
    const states = [one.receive(a), two.receive(b)]
    await expect.poll(() => receiver.received.length).toBe(2)
    expect(await one.receive(c)).toBe('undue')
    held.open()
    expect(await Promise.all(states)).toEqual(['succeeded', 'succeeded'])
    await expect.poll(() => receiver.received.length, { timeout: 5000 }).toBe(3)
    await first.stop()
    await second.stop()
  })

  it('gets back, at a stop, the hints that waited for room and what was given back', async () => {
    const held = gate()
    await using receiver = await startReceiver(async () => (await held.opened, 204))
    const { transport, published, receive, state } = handTransport()
    const { dispatcher, intact } = await setUp(receiver.url, transport, { concurrency: 1 })
    await dispatcher.start()
    await dispatcher.drain()
    await dispatcher.dispatchMany(many(3))
    await turns()
    const ids = published.map(({ deliveryId }) => deliveryId)
    const states = Promise.all(ids.map((id) => receive(id)))
    await expect.poll(() => receiver.received.length).toBe(1)
    published.length = 0
    await dispatcher.stop({ timeoutMs: 0 })
    expect(await states).toEqual(['released', 'returned', 'returned'])
    expect(published.map(({ deliveryId }) => deliveryId).toSorted()).toEqual(ids.toSorted())
    expect(published.filter(({ key }) => ids.includes(key))).toEqual([])
    expect(await intact.stats({})).toMatchObject({ leased: 0 })
    expect(state.closed).toBe(1)
    held.open()
  })

  it('gets a hint of what is sent again', async () => {
    await using receiver = await startReceiver()
    const { transport, published } = handTransport()
    const { dispatcher } = await setUp(receiver.url, transport)
    await dispatcher.dispatch('wanted.one', {})
    await dispatcher.runOnce()
    await dispatcher.resend(published[0]?.deliveryId ?? '')
    await turns()
    expect(published).toHaveLength(2)
    expect(published[1]?.key).not.toBe(published[0]?.key)
    await dispatcher.stop()
  })

  it('may reject: the dispatch stands, and the failure is reported', async () => {
    const { transport } = handTransport({ publish: () => Promise.reject(new Error('away')) })
    const { dispatcher, intact, errors } = await setUp('http://127.0.0.1:9/', transport)
    expect(await dispatcher.dispatch('wanted.one', {})).toMatchObject({ status: 'accepted' })
    await turns()
    expect(errors).toEqual(['hand: publish: Error: away'])
    expect(await intact.stats({})).toMatchObject({ ready: 1 })
    await dispatcher.stop()
  })

  it('may throw when it connects: the dispatch stands', async () => {
    const { transport } = handTransport()
    const broken: Transport = {
      ...transport,
      connect: () => {
        throw new Error('no client')
      },
    }
    const { dispatcher, errors } = await setUp('http://127.0.0.1:9/', broken)
    expect(await dispatcher.dispatch('wanted.one', {})).toMatchObject({ status: 'accepted' })
    await turns()
    expect(errors).toEqual(['hand: publish: Error: no client'])
    await dispatcher.stop()
  })

  it(
    'may hang: dispatches go on, what is kept for it is bounded, and it is reported',
    { timeout: 30_000 },
    async () => {
      const hanging: (readonly Hint[])[] = []
      const freed = gate()
      const { transport } = handTransport({
        publish: async (hints) => {
          hanging.push(hints)
          if (hanging.length === 1) await freed.opened
        },
      })
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      try {
        const options = { maxPendingPerTenant: Infinity }
        const { dispatcher, errors } = await setUp('http://127.0.0.1:9/', transport, options)
        await dispatcher.dispatch('wanted.one', {})
        await turns()
        for (let batch = 0; batch < 12; batch++) await dispatcher.dispatchMany(many(1000))
        vi.advanceTimersByTime(5000)
        expect(errors).toEqual([expect.stringContaining('has not taken hints for 5000 ms')])
        freed.open()
        await turns(60)
        expect(hanging.slice(1).flat()).toHaveLength(10_000)
      } finally {
        vi.useRealTimers()
      }
    },
  )

  it('may be asked whether it is paused and not answer: the sweeper goes on', async () => {
    await using receiver = await startReceiver()
    const { transport } = handTransport({ isPaused: () => new Promise(() => {}) })
    const { dispatcher } = await setUp(receiver.url, transport)
    await dispatcher.dispatch('wanted.one', {})
    await dispatcher.start()
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(1)
    await dispatcher.stop()
  })

  it('has hints fail while storage is away, and reports no delivery as made', async () => {
    await using receiver = await startReceiver()
    const { transport, published, receive } = handTransport()
    let isAway = false
    const { dispatcher, intact } = await setUp(receiver.url, transport, {}, (storage) => ({
      claim: async (query) => {
        if (isAway && query.ids !== undefined) throw new Error('away')
        return await storage.claim(query)
      },
    }))
    await dispatcher.start()
    await dispatcher.drain()
    await dispatcher.dispatch('wanted.one', {})
    await turns()
    isAway = true
    await expect(receive(published[0]?.deliveryId)).rejects.toThrow('away')
    expect(await intact.stats({})).toMatchObject({ ready: 1 })
    isAway = false
    expect(await receive(published[0]?.deliveryId)).toBe('succeeded')
    await dispatcher.stop()
  })

  it.each([undefined, null, 5, '', 'x', {}, []])('refuses %o in place of a delivery id', async (id) => {
    const { transport, receive } = handTransport()
    const { dispatcher } = await setUp('http://127.0.0.1:9/', transport)
    await dispatcher.start()
    await expect(receive(id)).rejects.toThrow(/no delivery id/)
    await dispatcher.stop()
  })

  it('is checked by the constructor', () => {
    const registry = new WebhookRegistry({ storage: memoryStorage(), addresses: loopback })
    for (const transport of [null, 5, {}, { name: 'x', connect: () => undefined }]) {
      const create = () => Reflect.construct(EventDispatcher, [{ registry, transport }])
      expect(create).toThrow(TypeError)
      expect(create).toThrow(/transport/)
    }
  })
})

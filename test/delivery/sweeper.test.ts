import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  EventDispatcher,
  type EventDispatcherOptions,
  type HintPublisher,
  memoryStorage,
  type Storage,
  WebhookRegistry,
} from 'posthorn'
import { Hints } from '../../src/delivery/hints.ts'
import { LifecycleEmitter } from '../../src/delivery/lifecycle-emitter.ts'
import { Sweeper } from '../../src/delivery/sweeper.ts'
import { newEvent, newWebhook } from '../storage/sqlite/rows.ts'
import { manualClock } from '../support/clock.ts'
import { loopback } from '../support/loopback.ts'
import { overriding } from '../support/overriding.ts'
import { gate, startReceiver } from '../support/receiver.ts'
import { handTransport } from './hand-transport.ts'

const nothing = { hasFound: false, isUpToClaims: false }
const self = { isUpToClaims: true }
const hinted = { hasFound: true, isUpToClaims: false }

describe('Sweeper', () => {
  let clock: ReturnType<typeof manualClock>
  let intact: Storage
  let webhook: ReturnType<typeof newWebhook>
  beforeEach(async () => {
    clock = manualClock()
    intact = memoryStorage({ clock: clock.now })
    webhook = newWebhook({ maxInFlight: 1000 })
    await intact.insertWebhook(webhook)
  })
  afterEach(() => void vi.useRealTimers())

  function setUp(publisher: Partial<HintPublisher> = {}, ended = new AbortController()) {
    const { transport, published } = handTransport(publisher)
    const lifecycle = new LifecycleEmitter()
    const errors: string[] = []
    lifecycle.on('worker.error', ({ error, during }) => errors.push(`${during}: ${String(error)}`))
    const sweeper = new Sweeper(intact, new Hints(transport, lifecycle), 5000, ended.signal)
    return { sweeper, published, errors }
  }

  it('leaves alone what came due just now, and publishes what has been for a second, again and again', async () => {
    const { sweeper, published } = setUp()
    await intact.enqueue([newEvent([webhook])])
    clock.advance(999)
    expect(await sweeper.sweep()).toEqual(nothing)
    expect(published).toEqual([])
    clock.advance(1)
    const [delivery] = (await intact.listDeliveries({ tenantId: webhook.tenantId, limit: 1 })).data
    const hint = { deliveryId: delivery?.id, key: `${delivery?.id}_sweep`, delayMs: 0, isRepeat: true }
    expect(await sweeper.sweep()).toEqual(hinted)
    expect(await sweeper.sweep()).toEqual(hinted)
    expect(published).toEqual([hint, hint])
    await intact.claim({ limit: 1, leaseMs: 30_000 })
    expect(await sweeper.sweep()).toEqual(nothing)
    expect(published).toHaveLength(2)
  })

  it('publishes at most 1,000 at once, in parts, and says that there may be more', async () => {
    const parts: number[] = []
    const { sweeper } = setUp({ publish: async (hints) => void parts.push(hints.length) })
    await intact.insertWebhook({ ...webhook, id: newWebhook().id })
    for (const each of (await intact.listAllWebhooks({ limit: 2 })).data) {
      await intact.enqueue(Array.from({ length: 600 }, () => newEvent([each])))
    }
    clock.advance(1000)
    expect(await sweeper.sweep()).toEqual(hinted)
    expect(parts).toEqual([500, 500])
  })

  it('leaves it to the process where the transport refuses', async () => {
    const { sweeper, errors } = setUp({ publish: () => Promise.reject(new Error('away')) })
    await intact.enqueue([newEvent([webhook])])
    clock.advance(1000)
    expect(await sweeper.sweep()).toMatchObject(self)
    expect(errors).toEqual(['hand: publish again: Error: away'])
  })

  it('leaves it to the process where the transport hangs, and lets nothing pile up meanwhile', async () => {
    const freed = gate()
    let calls = 0
    const { sweeper, errors } = setUp({ publish: async () => (calls++, await freed.opened) })
    await intact.enqueue([newEvent([webhook])])
    clock.advance(1000)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const sweeping = sweeper.sweep()
    await vi.advanceTimersByTimeAsync(1000)
    expect(await sweeping).toMatchObject(self)
    expect(errors).toEqual([expect.stringContaining('has not taken hints for 1000 ms')])
    expect(await sweeper.sweep()).toMatchObject(self)
    expect(calls).toBe(1)
    freed.open()
    await vi.advanceTimersByTimeAsync(0)
    expect(await sweeper.sweep()).toEqual(hinted)
    expect(calls).toBe(2)
    expect(errors).toHaveLength(1)
  })

  it('leaves it to the process where a transport takes hints that nobody gets', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const { sweeper, published } = setUp()
    await intact.enqueue([newEvent([webhook])])
    clock.advance(1000)
    expect(await sweeper.sweep()).toEqual(hinted)
    vi.advanceTimersByTime(2999)
    expect(await sweeper.sweep()).toEqual(hinted)
    vi.advanceTimersByTime(1)
    expect(await sweeper.sweep()).toMatchObject(self)
    expect(published).toHaveLength(3)
    // What was published long ago says nothing of today.
    vi.advanceTimersByTime(60_000)
    expect(await sweeper.sweep()).toEqual(hinted)
  })

  it('publishes nothing once it was ended, neither before nor between the parts', async () => {
    let parts = 0
    const ended = new AbortController()
    const { sweeper } = setUp({ publish: async () => (parts++, ended.abort()) }, ended)
    await intact.enqueue(Array.from({ length: 600 }, () => newEvent([webhook])))
    clock.advance(1000)
    await sweeper.sweep()
    await sweeper.sweep()
    expect(parts).toBe(1)
  })
})

describe('a started dispatcher with a transport', () => {
  /** One webhook, and what was dispatched two seconds ago; no sweep but the first one is seen. */
  async function setUp(
    url: string,
    { count, maxInFlight = 64, ...given }: { count: number; maxInFlight?: number } & Partial<EventDispatcherOptions>,
    changes: (intact: Storage) => Partial<Storage> = () => ({}),
  ) {
    const clock = manualClock()
    const intact = memoryStorage({ clock: clock.now })
    const registry = new WebhookRegistry({ storage: overriding(intact, changes(intact)), addresses: loopback })
    await registry.create({ name: 'a', url, events: ['*'], maxInFlight })
    const dispatcher = new EventDispatcher({ registry, pollIntervalMs: 60_000, ...given })
    dispatcher.on('worker.error', () => undefined)
    for (let n = 0; n < count; n++) await dispatcher.dispatch('a.b', { n })
    clock.advance(2000)
    return { dispatcher, registry, intact }
  }

  it('begins nothing of what it finds by itself, though it has room: hints do', async () => {
    await using receiver = await startReceiver()
    const { transport, published, receive } = handTransport()
    const { dispatcher, intact } = await setUp(receiver.url, { count: 3, transport })
    published.length = 0
    await dispatcher.start()
    await expect.poll(() => published.length).toBe(3)
    expect(await intact.stats({})).toMatchObject({ ready: 3, leased: 0 })
    const states = await Promise.all(published.map(({ deliveryId }) => receive(deliveryId)))
    expect(states).toEqual(['succeeded', 'succeeded', 'succeeded'])
    await dispatcher.stop()
  })

  it('delivers what it finds itself where hints cannot be published, though storage fails at first', async () => {
    await using receiver = await startReceiver()
    const { transport } = handTransport({ publish: () => Promise.reject(new Error('away')) })
    let failures = 1
    const { dispatcher } = await setUp(receiver.url, { count: 3, transport, random: () => 0 }, (intact) => ({
      claim: async (query) => {
        if (failures-- > 0) throw new Error('away too')
        return await intact.claim(query)
      },
    }))
    await dispatcher.start()
    await expect.poll(() => receiver.received.length, { timeout: 5000 }).toBe(3)
    await dispatcher.stop()
  })

  it('goes on by itself with what a storage leaves that stops at a bound of its own', async () => {
    await using receiver = await startReceiver()
    const { transport } = handTransport({ publish: () => Promise.reject(new Error('away')) })
    let looks = 0
    const { dispatcher } = await setUp(receiver.url, { count: 3, transport }, (intact) => ({
      claim: async (query) => (looks++ === 0 ? { claimed: [], nextDueInMs: 0 } : await intact.claim(query)),
    }))
    await dispatcher.start()
    await expect.poll(() => receiver.received.length, { timeout: 5000 }).toBe(3)
    await dispatcher.stop()
  })

  it('leaves no place empty of a webhook whose places it shares with others, when all hints were lost', async () => {
    await using receiver = await startReceiver()
    const [one, two] = [handTransport(), handTransport()]
    const { dispatcher: first, registry } = await setUp(receiver.url, {
      count: 20,
      maxInFlight: 2,
      transport: one.transport,
    })
    one.published.length = 0
    const second = new EventDispatcher({ registry, transport: two.transport, pollIntervalMs: 60_000 })
    for (const dispatcher of [first, second]) await dispatcher.start()
    for (const { published } of [one, two]) await expect.poll(() => published.length).toBe(2)
    await new Promise((resolve) => setImmediate(resolve))
    const [a, b] = one.published.map(({ deliveryId }) => deliveryId)
    expect(await Promise.all([one.receive(a), two.receive(b)])).toEqual(['succeeded', 'succeeded'])
    await expect.poll(() => receiver.received.length, { timeout: 5000 }).toBe(20)
    for (const dispatcher of [first, second]) await dispatcher.stop()
  })

  it('ends a drain that a claim by hints was in the way of, with a later sweep', async () => {
    const { transport, receive } = handTransport()
    const answered = gate()
    const asked = gate()
    const { dispatcher } = await setUp(
      'http://127.0.0.1:9/',
      { count: 0, transport, pollIntervalMs: 50 },
      (intact) => ({
        claim: async (query) => {
          if (query.ids !== undefined) asked.open()
          if (query.ids !== undefined) await answered.opened
          return await intact.claim(query)
        },
      }),
    )
    await dispatcher.start()
    const received = receive(newWebhook().id)
    await asked.opened
    const drained = dispatcher.drain()
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    answered.open()
    expect(await received).toBe('undue')
    await drained
    await dispatcher.stop()
  })
})

import { describe, expect, it } from 'vitest'
import {
  EventDispatcher,
  memoryStorage,
  Verifier,
  WebhookRegistry,
  type CreateWebhookInput,
  type EventDispatcherOptions,
  type LifecycleEvents,
} from 'posthorn'
import { manualClock } from '../support/clock.ts'
import { loopback } from '../support/loopback.ts'
import { gate, startReceiver } from '../support/receiver.ts'

// Waits of a millisecond: the shape of the retries is what counts here, their length is decide's and retryPolicy's.
const quick = { minTimeout: 1, randomize: false }

function setUp(options: Partial<EventDispatcherOptions> = {}, storage = memoryStorage()) {
  const registry = new WebhookRegistry({ addresses: loopback, storage, ...(options.clock && { clock: options.clock }) })
  const dispatcher = new EventDispatcher({ registry, retry: quick, ...options })
  const create = (url: string, input: Partial<CreateWebhookInput> = {}) =>
    registry.create({ name: 'test', url, events: ['*'], ...input })
  return { storage, registry, dispatcher, create }
}

describe('EventDispatcher.dispatch', () => {
  it('sends one signed request to every webhook that wants the event', async () => {
    await using one = await startReceiver()
    await using other = await startReceiver()
    const { dispatcher, create } = setUp()
    const { secret } = await create(one.url, { events: ['execution.*'] })
    await create(other.url, { events: ['workflow.created'] })

    const { eventId, deliveries, status } = await dispatcher.dispatch('execution.completed', { executionId: '42' })
    await dispatcher.drain()

    expect({ deliveries, status }).toEqual({ deliveries: 1, status: 'accepted' })
    expect(other.received).toHaveLength(0)
    expect(one.received).toHaveLength(1)
    const [request] = one.received
    const verified = await new Verifier({ secret }).verify({ headers: request!.headers, body: request!.body })
    expect(verified.eventId).toBe(eventId)
    expect(verified.payload).toEqual({
      id: eventId,
      type: 'execution.completed',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      data: { executionId: '42' },
    })
    expect(request!.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'posthorn/0.1.0' })
    await dispatcher.stop()
  })

  it('delivers an event that nobody wants nowhere', async () => {
    const { dispatcher } = setUp()
    expect(await dispatcher.dispatch('a.b', {})).toMatchObject({ deliveries: 0, status: 'accepted' })
  })

  it('resolves before anything is sent', async () => {
    const held = gate()
    await using receiver = await startReceiver(async () => (await held.opened, 204))
    const { dispatcher, create } = setUp()
    await create(receiver.url)
    await dispatcher.start()
    await dispatcher.dispatch('a.b', {})
    held.open()
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(1)
    await dispatcher.stop()
  })

  it('keeps tenants apart', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, registry } = setUp()
    await registry.create({ name: 'a', url: receiver.url, events: ['*'] }, { tenantId: 'a' })
    expect(await dispatcher.dispatch('a.b', {}, { tenantId: 'b' })).toMatchObject({ deliveries: 0 })
    expect(await dispatcher.dispatch('a.b', {}, { tenantId: 'a' })).toMatchObject({ deliveries: 1 })
  })

  it('answers duplicate with the first id for the same key and data, and refuses other data', async () => {
    const { dispatcher, create, storage } = setUp()
    await create('http://127.0.0.1:9/')
    const first = await dispatcher.dispatch('a.b', { n: 1 }, { idempotencyKey: 'k' })
    expect(await dispatcher.dispatch('a.b', { n: 1 }, { idempotencyKey: 'k' })).toEqual({
      eventId: first.eventId,
      deliveries: 0,
      status: 'duplicate',
    })
    await expect(dispatcher.dispatch('a.b', { n: 2 }, { idempotencyKey: 'k' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
    await expect(dispatcher.dispatch('a.c', { n: 1 }, { idempotencyKey: 'k' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
    expect(await dispatcher.dispatch('a.b', { n: 1 }, { idempotencyKey: 'k', tenantId: 'other' })).toMatchObject({
      status: 'accepted',
    })
    expect((await storage.stats({})).ready).toBe(1)
  })

  it('forgets an idempotency key after its time', async () => {
    const clock = manualClock()
    const { dispatcher } = setUp({ clock: clock.now, idempotencyTtlMs: 60_000 }, memoryStorage({ clock: clock.now }))
    const first = await dispatcher.dispatch('a.b', {}, { idempotencyKey: 'k' })
    clock.advance(60_001)
    const second = await dispatcher.dispatch('a.b', {}, { idempotencyKey: 'k' })
    expect(second.status).toBe('accepted')
    expect(second.eventId).not.toBe(first.eventId)
  })

  it('records a delivery to a disabled webhook as skipped', async () => {
    const { dispatcher, create, registry } = setUp()
    const webhook = await create('http://127.0.0.1:9/')
    await registry.disable(webhook.id)
    expect(await dispatcher.dispatch('a.b', {})).toMatchObject({ deliveries: 0 })
    const { data } = await dispatcher.listDeliveries({ webhookId: webhook.id })
    expect(data).toMatchObject([{ state: 'skipped', reason: 'disabled', attemptCount: 0 }])
  })

  it('holds deliveries back for delayMs', async () => {
    await using receiver = await startReceiver()
    const clock = manualClock()
    const { dispatcher, create } = setUp({ clock: clock.now }, memoryStorage({ clock: clock.now }))
    await create(receiver.url)
    await dispatcher.dispatch('a.b', {}, { delayMs: 5000 })
    clock.advance(4999)
    expect(await dispatcher.runOnce()).toMatchObject({ claimed: 0 })
    clock.advance(1)
    expect(await dispatcher.runOnce()).toEqual({ claimed: 1, succeeded: 1, failed: 0 })
  })

  it.each([
    ['a b', {}, {}, 'INVALID_EVENT', 'type'],
    ['webhook.test', {}, {}, 'INVALID_EVENT', 'type'],
    ['a.b', undefined, {}, 'INVALID_EVENT', 'data'],
    ['a.b', { text: 'x'.repeat(1_048_576) }, {}, 'INVALID_EVENT', 'data'],
    ['a.b', {}, { idempotencyKey: '' }, 'VALIDATION_FAILED', 'idempotencyKey'],
    ['a.b', {}, { delayMs: -1 }, 'VALIDATION_FAILED', 'delayMs'],
    ['a.b', {}, { tenantId: '' }, 'VALIDATION_FAILED', 'tenantId'],
  ])('refuses %j with %j and %j', async (type, data, options, code, path) => {
    const { dispatcher, storage } = setUp()
    await expect(dispatcher.dispatch(type, data, options)).rejects.toMatchObject({ code, issues: [{ path }] })
    expect((await storage.listEvents({ tenantId: 'default', limit: 1 })).data).toHaveLength(0)
  })

  it('refuses data without a JSON form', async () => {
    const { dispatcher } = setUp()
    const circular: { self?: unknown } = {}
    circular.self = circular
    for (const data of [1n, circular, () => {}, Symbol('x')]) {
      const refused = dispatcher.dispatch('a.b', data, { idempotencyKey: 'k' })
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_EVENT', issues: [{ path: 'data' }] })
    }
  })

  it('waits for an envelope that is made asynchronously', async () => {
    const { dispatcher, storage } = setUp({ envelope: async ({ data }) => await Promise.resolve({ wrapped: data }) })
    const { eventId } = await dispatcher.dispatch('a.b', 1)
    expect((await storage.getEvent(eventId, 'default'))?.body).toBe('{"wrapped":1}')
  })

  it.each(['k\ud800', 'k\0'])('refuses the key %j, which databases would change', async (idempotencyKey) => {
    const { dispatcher } = setUp()
    await expect(dispatcher.dispatch('a.b', {}, { idempotencyKey })).rejects.toMatchObject({
      issues: [{ path: 'idempotencyKey' }],
    })
    await expect(dispatcher.dispatch('a.b', {}, { tenantId: idempotencyKey })).rejects.toMatchObject({
      issues: [{ path: 'tenantId' }],
    })
  })

  it('writes the body once and sends the same bytes on every attempt', async () => {
    await using receiver = await startReceiver((_, nth) => (nth < 3 ? 503 : 200))
    let envelopes = 0
    const { dispatcher, create, storage } = setUp({
      envelope: ({ type, data }) => ({ made: ++envelopes, kind: type, ...(data as object) }),
    })
    await create(receiver.url)
    const { eventId } = await dispatcher.dispatch('a.b', { text: 'ü "\u2028" 😀' })
    await dispatcher.drain()
    expect(receiver.received.map((request) => request.body)).toEqual(
      Array(3).fill('{"made":1,"kind":"a.b","text":"ü \\"\u2028\\" 😀"}'),
    )
    expect((await storage.getEvent(eventId, 'default'))?.body).toBe(receiver.received[0]?.body)
  })
})

describe('EventDispatcher.dispatchMany', () => {
  it('accepts all in the order given', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, create } = setUp()
    await create(receiver.url)
    const results = await dispatcher.dispatchMany([
      { type: 'a.b', data: 1 },
      { type: 'a.c', data: 2, idempotencyKey: 'k' },
      { type: 'a.c', data: 2, idempotencyKey: 'k' },
      { type: 'a.c', data: 3, idempotencyKey: 'k' },
    ])
    expect(results.map(({ status }) => status)).toEqual(['accepted', 'accepted', 'duplicate', 'conflict'])
    expect(results[2]?.eventId).toBe(results[1]?.eventId)
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(2)
  })

  it('writes nothing where one is invalid, and names it', async () => {
    const { dispatcher, storage } = setUp()
    const events = [
      { type: 'a.b', data: 1 },
      { type: 'a b', data: 2 },
    ]
    await expect(dispatcher.dispatchMany(events)).rejects.toMatchObject({
      code: 'INVALID_EVENT',
      issues: [{ path: '[1].type' }],
    })
    expect((await storage.listEvents({ tenantId: 'default', limit: 1 })).data).toHaveLength(0)
  })

  it('accepts an empty list', async () => {
    expect(await setUp().dispatcher.dispatchMany([])).toEqual([])
  })
})

describe('retries', () => {
  it('gives an always-failing receiver exactly 4 requests, then fails', async () => {
    await using receiver = await startReceiver(() => 500)
    const { dispatcher, create } = setUp()
    const webhook = await create(receiver.url)
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(4)
    const ids = receiver.received.map((request) => request.headers['webhook-id'])
    expect(new Set(ids).size).toBe(1)
    const { data } = await dispatcher.listDeliveries({ webhookId: webhook.id })
    expect(data).toMatchObject([
      { state: 'failed', reason: 'exhausted', attemptCount: 4, lastStatus: 500, isLeased: false },
    ])
  })

  it('succeeds on the third try and records every attempt', async () => {
    await using receiver = await startReceiver((_, nth) =>
      nth < 3
        ? { status: 503, headers: { 'x-try': String(nth) }, body: `busy ${nth}` }
        : { status: 200, body: 'thanks' },
    )
    const { dispatcher, create } = setUp()
    const webhook = await create(receiver.url)
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    const { data } = await dispatcher.listDeliveries({ webhookId: webhook.id })
    const delivery = await dispatcher.getDelivery(data[0]!.id)
    expect(delivery).toMatchObject({ state: 'succeeded', reason: null, attemptCount: 3, lastStatus: 200 })
    expect(delivery.attempts).toMatchObject([
      {
        number: 1,
        status: 503,
        error: null,
        responseBody: 'busy 1',
        responseHeaders: { 'x-try': '1' },
        trigger: 'auto',
      },
      { number: 2, status: 503, responseBody: 'busy 2' },
      { number: 3, status: 200, responseBody: 'thanks' },
    ])
  })

  it('keeps the waits of the schedule in storage, and a new dispatcher goes on', async () => {
    await using receiver = await startReceiver(() => 500)
    const clock = manualClock()
    const storage = memoryStorage({ clock: clock.now })
    const options = { clock: clock.now, retry: { ...quick, retries: 1 }, schedule: [60_000] }
    const { dispatcher, create } = setUp(options, storage)
    const webhook = await create(receiver.url)
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(2)
    clock.advance(59_999)
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(2)
    clock.advance(6_001)
    const { dispatcher: next } = setUp(options, storage)
    await next.drain()
    expect(receiver.received).toHaveLength(4)
    expect((await next.listDeliveries({ webhookId: webhook.id })).data).toMatchObject([
      { state: 'failed', attemptCount: 4 },
    ])
  })

  it('parks a delivery whose receiver asks for time, and holds the webhook back', async () => {
    await using receiver = await startReceiver((_, nth) =>
      nth === 1 ? { status: 429, headers: { 'retry-after': '120' } } : 204,
    )
    const clock = manualClock()
    const { dispatcher, create } = setUp({ clock: clock.now }, memoryStorage({ clock: clock.now }))
    await create(receiver.url)
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    await dispatcher.dispatch('a.c', {})
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(1)
    clock.advance(120_000)
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(3)
  })

  it('disables a webhook after 410 and cancels what waits for it', async () => {
    await using receiver = await startReceiver(() => 410)
    const { dispatcher, create, registry } = setUp()
    const webhook = await create(receiver.url, { maxInFlight: 1 })
    const disabled: LifecycleEvents['webhook.disabled'][] = []
    dispatcher.on('webhook.disabled', (event) => disabled.push(event))
    await dispatcher.dispatchMany([
      { type: 'a.b', data: 1 },
      { type: 'a.b', data: 2 },
    ])
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(1)
    expect(await registry.get(webhook.id)).toMatchObject({ isActive: false, disabledReason: 'gone' })
    expect(disabled).toEqual([{ webhookId: webhook.id, tenantId: 'default', reason: 'gone' }])
    const { data } = await dispatcher.listDeliveries({ webhookId: webhook.id, order: 'asc' })
    expect(data.map(({ state, reason }) => [state, reason])).toEqual([
      ['failed', 'gone'],
      ['cancelled', 'disabled'],
    ])
  })

  it('does not follow redirects', async () => {
    await using target = await startReceiver()
    await using receiver = await startReceiver(() => ({ status: 302, headers: { location: target.url } }))
    const { dispatcher, create } = setUp({ retry: { retries: 0 } })
    await create(receiver.url)
    await dispatcher.dispatch('a.b', {})
    expect(await dispatcher.runOnce()).toMatchObject({ failed: 1 })
    expect(target.received).toHaveLength(0)
  })

  it('waits for a shouldRetry that answers asynchronously', async () => {
    await using receiver = await startReceiver(() => 404)
    const { dispatcher, create } = setUp({ retry: { ...quick, shouldRetry: async ({ status }) => status !== 404 } })
    await create(receiver.url)
    await dispatcher.dispatch('a.b', {})
    expect(await dispatcher.runOnce()).toMatchObject({ failed: 1 })
    expect(receiver.received).toHaveLength(1)
  })

  it('asks shouldRetry, and treats one that throws as no answer', async () => {
    await using receiver = await startReceiver((_, nth) => (nth === 1 ? 500 : 400))
    const errors: string[] = []
    const { dispatcher, create } = setUp({
      retry: {
        ...quick,
        shouldRetry: ({ status }) => {
          if (status === 500) throw new Error('host bug')
          return false
        },
      },
    })
    const webhook = await create(receiver.url)
    dispatcher.on('worker.error', ({ during }) => errors.push(during))
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(2)
    expect(errors).toEqual(['retry.shouldRetry'])
    expect((await dispatcher.listDeliveries({ webhookId: webhook.id })).data).toMatchObject([
      { state: 'failed', reason: 'rejected' },
    ])
  })
})

describe('rotation', () => {
  it('signs with every live secret, and with the old one no longer when its overlap is over', async () => {
    await using receiver = await startReceiver()
    const clock = manualClock(Date.now())
    const { dispatcher, create, registry } = setUp({ clock: clock.now }, memoryStorage({ clock: clock.now }))
    const { id, secret: old } = await create(receiver.url)
    await dispatcher.dispatch('a.b', 1)
    await dispatcher.drain()
    const { secret: fresh } = await registry.rotateSecret(id, { overlapMs: 60_000 })
    await dispatcher.dispatch('a.b', 2)
    await dispatcher.drain()
    clock.advance(60_000)
    await dispatcher.dispatch('a.b', 3)
    await dispatcher.drain()

    const fits = (secret: string) =>
      Promise.all(
        receiver.received.map((request) =>
          new Verifier({ secret, clock: clock.now }).verify({ headers: request.headers, body: request.body }).then(
            () => true,
            () => false,
          ),
        ),
      )
    expect(await fits(old)).toEqual([true, true, false])
    expect(await fits(fresh)).toEqual([false, true, true])
  })
})

describe('EventDispatcher.start and stop', () => {
  it('delivers while started, without being asked', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, create } = setUp()
    await create(receiver.url)
    await dispatcher.dispatch('before.start', {})
    expect(dispatcher.start()).toBe(dispatcher.start())
    await dispatcher.start()
    const succeeded = new Promise((resolve) =>
      dispatcher.on('delivery.succeeded', ({ type }) => type === 'after.start' && resolve(type)),
    )
    await dispatcher.dispatch('after.start', {})
    await succeeded
    await dispatcher.drain()
    expect(new Set(receiver.received.map((request) => JSON.parse(request.body).type))).toEqual(
      new Set(['after.start', 'before.start']),
    )
    expect(receiver.received).toHaveLength(2)
    await dispatcher.stop()
  })

  it('lets a request under way end, and begins no other', async () => {
    const held = gate()
    const arrived = gate()
    await using receiver = await startReceiver(async () => (arrived.open(), await held.opened, 204))
    const { dispatcher, create, storage } = setUp({ concurrency: 1 })
    await create(receiver.url)
    await dispatcher.start()
    await dispatcher.dispatchMany([
      { type: 'a.b', data: 1 },
      { type: 'a.b', data: 2 },
    ])
    await arrived.opened
    const stopped = dispatcher.stop()
    held.open()
    await stopped
    expect(receiver.received).toHaveLength(1)
    expect(await storage.stats({})).toMatchObject({ ready: 1, leased: 0 })
  })

  it('aborts what does not end in time and gives it back undecided', async () => {
    const arrived = gate()
    await using receiver = await startReceiver((_, nth) => (nth === 1 ? (arrived.open(), new Promise(() => {})) : 204))
    const { dispatcher, create, storage } = setUp()
    const webhook = await create(receiver.url)
    await dispatcher.start()
    await dispatcher.dispatch('a.b', {})
    await arrived.opened
    await dispatcher.stop({ timeoutMs: 1 })
    expect(await storage.stats({})).toMatchObject({ ready: 1, leased: 0 })
    await dispatcher.start()
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(2)
    expect((await dispatcher.listDeliveries({ webhookId: webhook.id })).data).toMatchObject([
      { state: 'succeeded', attemptCount: 1 },
    ])
    await dispatcher.stop()
  })

  it('gives back a round that waits for its next attempt at once, and it goes on where it stood', async () => {
    await using receiver = await startReceiver(() => 500)
    const clock = manualClock()
    const { dispatcher, create, storage } = setUp(
      { clock: clock.now, retry: { retries: 1, minTimeout: 30_000, randomize: false } },
      memoryStorage({ clock: clock.now }),
    )
    const webhook = await create(receiver.url)
    await dispatcher.start()
    const attempted = new Promise((resolve) => dispatcher.on('delivery.attempted', resolve))
    await dispatcher.dispatch('a.b', {})
    expect(await attempted).toMatchObject({ nextAttemptInMs: 30_000 })
    await dispatcher.stop()
    expect(await storage.stats({})).toMatchObject({ waiting: 1, leased: 0 })
    clock.advance(30_000)
    await dispatcher.runOnce()
    expect(receiver.received).toHaveLength(2)
    expect((await dispatcher.listDeliveries({ webhookId: webhook.id })).data).toMatchObject([
      { state: 'failed', attemptCount: 2 },
    ])
  })

  it('can be stopped before it was started, started again, and disposed of', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, create } = setUp()
    await create(receiver.url)
    await dispatcher.stop()
    {
      await using running = dispatcher
      await running.start()
      await running.dispatch('a.b', {})
      await running.drain()
    }
    expect(receiver.received).toHaveLength(1)
  })

  it('goes on dispatching when stopped', async () => {
    const { dispatcher, create, storage } = setUp()
    await create('http://127.0.0.1:9/')
    await dispatcher.start()
    await dispatcher.stop()
    await dispatcher.dispatch('a.b', {})
    expect(await storage.stats({})).toMatchObject({ ready: 1 })
  })
})

describe('limits', () => {
  it('keeps to the in-flight cap of a webhook and to the concurrency', async () => {
    const underWay = { one: 0, other: 0, most: 0, mostOne: 0 }
    const serve = (name: 'one' | 'other') => async () => {
      underWay[name]++
      underWay.mostOne = Math.max(underWay.mostOne, underWay.one)
      underWay.most = Math.max(underWay.most, underWay.one + underWay.other)
      await new Promise((resolve) => setTimeout(resolve, 2))
      underWay[name]--
      return 204
    }
    await using one = await startReceiver(serve('one'))
    await using other = await startReceiver(serve('other'))
    const { dispatcher, create } = setUp({ concurrency: 5 })
    await create(one.url, { maxInFlight: 2 })
    await create(other.url)
    await dispatcher.start()
    await dispatcher.dispatchMany(Array.from({ length: 40 }, (_, n) => ({ type: 'a.b', data: n })))
    await dispatcher.drain()
    expect(one.received).toHaveLength(40)
    expect(other.received).toHaveLength(40)
    expect(underWay.mostOne).toBe(2)
    expect(underWay.most).toBe(5)
    await dispatcher.stop()
  })

  it('delivers to others while one webhook hangs', async () => {
    const held = gate()
    await using dead = await startReceiver(async () => (await held.opened, 204))
    await using alive = await startReceiver()
    const { dispatcher, create } = setUp({ concurrency: 4 })
    await create(dead.url, { maxInFlight: 2, events: ['dead.*'] })
    await create(alive.url, { events: ['alive.*'] })
    await dispatcher.start()
    await dispatcher.dispatchMany(Array.from({ length: 100 }, (_, n) => ({ type: 'dead.x', data: n })))
    let succeeded = 0
    const all = new Promise<void>((resolve) =>
      dispatcher.on('delivery.succeeded', ({ type }) => type === 'alive.x' && ++succeeded === 20 && resolve()),
    )
    await dispatcher.dispatchMany(Array.from({ length: 20 }, (_, n) => ({ type: 'alive.x', data: n })))
    await all
    expect(dead.received).toHaveLength(2)
    held.open()
    await dispatcher.drain()
    await dispatcher.stop()
  })

  it('ends an attempt at its deadline', async () => {
    await using receiver = await startReceiver(() => new Promise(() => {}))
    const { dispatcher, create } = setUp({ timeoutMs: 20, retry: { retries: 0 } })
    const webhook = await create(receiver.url)
    const result = await dispatcher.test(webhook.id)
    expect(result).toMatchObject({ state: 'failed', attempt: { status: null, error: 'timeout' } })
  })
})

describe('EventDispatcher.test', () => {
  it('sends one webhook.test event, whatever the webhook subscribes to, with one attempt', async () => {
    await using receiver = await startReceiver(() => ({ status: 500, body: 'broken' }))
    const { dispatcher, create } = setUp()
    const webhook = await create(receiver.url, { events: ['never.sent'] })
    const result = await dispatcher.test(webhook.id)
    expect(result).toMatchObject({ state: 'failed', attempt: { number: 1, status: 500, responseBody: 'broken' } })
    expect(receiver.received).toHaveLength(1)
    expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({ type: 'webhook.test', id: result.eventId })
    expect(await dispatcher.getDelivery(result.deliveryId)).toMatchObject({
      type: 'webhook.test',
      state: 'failed',
      attemptCount: 1,
    })
  })

  it('heeds a signal that is aborted while it begins', async () => {
    await using receiver = await startReceiver(() => new Promise(() => {}))
    const { dispatcher, create } = setUp()
    const webhook = await create(receiver.url)
    const controller = new AbortController()
    const tested = dispatcher.test(webhook.id, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(tested).rejects.toThrow('enough')
    await dispatcher.stop({ timeoutMs: 0 })
  })

  it('refuses missing, foreign and disabled webhooks', async () => {
    const { dispatcher, create, registry } = setUp()
    const webhook = await create('http://127.0.0.1:9/')
    await expect(dispatcher.test('nope')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(dispatcher.test(webhook.id, { tenantId: 'other' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await registry.disable(webhook.id)
    await expect(dispatcher.test(webhook.id)).rejects.toMatchObject({ code: 'WEBHOOK_DISABLED' })
  })

  it('says pending where the webhook is busy and nobody delivers', async () => {
    const { dispatcher, create, storage } = setUp()
    const webhook = await create('http://127.0.0.1:9/', { maxInFlight: 1 })
    await dispatcher.dispatch('a.b', {})
    await storage.claim({ limit: 1, leaseMs: 1000 })
    expect(await dispatcher.test(webhook.id)).toMatchObject({ state: 'pending', attempt: null })
  })
})

describe('EventDispatcher.resend', () => {
  it('delivers once more with a fresh allowance of attempts and the same id', async () => {
    await using receiver = await startReceiver((_, nth) => (nth < 7 ? 500 : 204))
    const { dispatcher, create } = setUp()
    const webhook = await create(receiver.url)
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    const [failed] = (await dispatcher.listDeliveries({ webhookId: webhook.id })).data
    expect(await dispatcher.resend(failed!.id)).toMatchObject({ state: 'pending' })
    await dispatcher.drain()
    const delivery = await dispatcher.getDelivery(failed!.id)
    expect(delivery).toMatchObject({ state: 'succeeded', attemptCount: 7 })
    expect(delivery.attempts.map(({ number, trigger }) => [number, trigger])).toEqual([
      [1, 'auto'],
      [2, 'auto'],
      [3, 'auto'],
      [4, 'auto'],
      [5, 'manual'],
      [6, 'manual'],
      [7, 'manual'],
    ])
  })

  it('refuses what is pending, missing, foreign, or goes to a disabled webhook', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, create, registry } = setUp()
    const webhook = await create(receiver.url)
    await dispatcher.dispatch('a.b', {})
    const [delivery] = (await dispatcher.listDeliveries()).data
    await expect(dispatcher.resend(delivery!.id)).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(dispatcher.resend('nope')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await dispatcher.drain()
    await expect(dispatcher.resend(delivery!.id, { tenantId: 'other' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await registry.disable(webhook.id)
    await expect(dispatcher.resend(delivery!.id)).rejects.toMatchObject({ code: 'WEBHOOK_DISABLED' })
  })
})

describe('EventDispatcher options', () => {
  it.each([
    [{ concurrency: 0 }, 'concurrency'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ connectTimeoutMs: 1.5 }, 'connectTimeoutMs'],
    [{ leaseMs: 999 }, 'leaseMs'],
    [{ pollIntervalMs: '1s' }, 'pollIntervalMs'],
    [{ idempotencyTtlMs: Infinity }, 'idempotencyTtlMs'],
    [{ maxBodyBytes: -1 }, 'maxBodyBytes'],
    [{ userAgent: 'a\r\nb: c' }, 'userAgent'],
    [{ schemes: [] }, 'schemes'],
    [{ envelope: 'data' }, 'envelope'],
    [{ fetch: true }, 'fetch'],
    [{ retries: 3 }, 'retries'],
  ])('refuses %j by name', (options, name) => {
    const registry = new WebhookRegistry({ addresses: loopback, storage: memoryStorage() })
    const make = () => new EventDispatcher({ registry, ...(options as object) })
    expect(make).toThrow(name)
  })

  it('refuses what is no scheme', () => {
    const registry = new WebhookRegistry({ addresses: loopback, storage: memoryStorage() })
    expect(() => new EventDispatcher({ registry, schemes: JSON.parse('[{}]') })).toThrow(/scheme/)
  })

  it('refuses options of its methods that it does not have, and misspelt events', async () => {
    const { dispatcher } = setUp()
    const misspelt = JSON.parse('{"tenant": "acme"}')
    const refused = { code: 'VALIDATION_FAILED', issues: [{ path: 'tenant' }] }
    await expect(dispatcher.dispatch('a.b', {}, misspelt)).rejects.toMatchObject(refused)
    await expect(dispatcher.dispatchMany([], misspelt)).rejects.toMatchObject(refused)
    await expect(dispatcher.dispatch('a.b', {}, JSON.parse('{"type": "a.c"}'))).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      issues: [{ path: 'type' }],
    })
    await expect(dispatcher.dispatchMany([{ type: 'a.b', data: 1, ...misspelt }])).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      issues: [{ path: '[0].tenant' }],
    })
    await expect(dispatcher.dispatchMany(JSON.parse('[null]'))).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
    await expect(dispatcher.dispatchMany(JSON.parse('{}'))).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
    await expect(dispatcher.test('x', misspelt)).rejects.toMatchObject(refused)
    await expect(dispatcher.resend('x', misspelt)).rejects.toMatchObject(refused)
    await expect(dispatcher.getDelivery('x', misspelt)).rejects.toMatchObject(refused)
    await expect(dispatcher.listDeliveries(misspelt)).rejects.toMatchObject(refused)
    await expect(dispatcher.drain(misspelt)).rejects.toMatchObject(refused)
    await expect(dispatcher.runOnce(misspelt)).rejects.toMatchObject(refused)
    expect(() => dispatcher.on(JSON.parse('"delivery.suceeded"'), () => {})).toThrow(/delivery\.succeeded/)
    expect(() => dispatcher.on('delivery.failed', JSON.parse('null'))).toThrow(TypeError)
  })

  it('needs a registry', () => {
    expect(() => new EventDispatcher(JSON.parse('{}'))).toThrow(/WebhookRegistry/)
  })
})

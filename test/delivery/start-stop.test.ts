import { describe, expect, it, vi } from 'vitest'
import { EventDispatcher, memoryStorage, WebhookRegistry, type EventDispatcherOptions, type Storage } from 'posthorn'
import { loopback } from '../support/loopback.ts'
import { overriding } from '../support/overriding.ts'
import { gate, startReceiver } from '../support/receiver.ts'

async function setUp(
  url: string,
  options: Partial<EventDispatcherOptions> = {},
  changes: (intact: Storage) => Partial<Storage> = () => ({}),
) {
  const intact = memoryStorage()
  const storage = overriding(intact, changes(intact))
  const registry = new WebhookRegistry({ addresses: loopback, storage })
  const dispatcher = new EventDispatcher({ registry, retry: { minTimeout: 1, randomize: false }, ...options })
  const webhook = await registry.create({ name: 'a', url, events: ['wanted.*'] })
  const errors: string[] = []
  dispatcher.on('worker.error', ({ during }) => errors.push(during))
  return { intact, storage, registry, dispatcher, webhook, errors }
}

const many = (count: number) => Array.from({ length: count }, (_, n) => ({ type: 'wanted.one', data: n }))

describe('EventDispatcher.start after stop, in one turn', () => {
  it('delivers', async () => {
    await using receiver = await startReceiver()
    const { dispatcher } = await setUp(receiver.url)
    await dispatcher.start()
    const stopped = dispatcher.stop()
    await dispatcher.start()
    await stopped
    await dispatcher.dispatch('wanted.one', {})
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(1)
    await dispatcher.stop()
  })

  it('does not deliver where another stop follows', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, intact } = await setUp(receiver.url)
    const first = dispatcher.stop()
    const started = dispatcher.start()
    await Promise.all([first, started, dispatcher.stop()])
    await dispatcher.dispatch('wanted.one', {})
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(await intact.stats({})).toMatchObject({ ready: 1, leased: 0 })
    expect(receiver.received).toHaveLength(0)
  })
})

describe('EventDispatcher.stop', () => {
  it('takes back what a claim under way brings', async () => {
    await using receiver = await startReceiver()
    const asked = gate()
    const answer = gate()
    const { dispatcher, intact, errors } = await setUp(receiver.url, {}, (storage) => ({
      claim: async (query) => {
        const result = await storage.claim(query)
        if (result.claimed.length > 0) asked.open()
        await answer.opened
        return result
      },
    }))
    await dispatcher.dispatch('wanted.one', {})
    await dispatcher.start()
    await asked.opened
    const stopped = dispatcher.stop()
    answer.open()
    await stopped
    expect(await intact.stats({})).toMatchObject({ ready: 1, leased: 0 })
    expect(receiver.received).toHaveLength(0)
    expect(errors).toEqual([])
  })

  it('is bounded where storage never answers', { timeout: 15_000 }, async () => {
    await using receiver = await startReceiver()
    const { dispatcher } = await setUp(receiver.url, {}, () => ({ settle: () => new Promise(() => {}) }))
    await dispatcher.start()
    const arrived = new Promise<void>((resolve) => {
      const poll = setInterval(() => receiver.received.length > 0 && (clearInterval(poll), resolve()), 1)
    })
    await dispatcher.dispatch('wanted.one', {})
    await arrived
    await dispatcher.stop({ timeoutMs: 0 })
    expect(receiver.received).toHaveLength(1)
  })

  it('is bounded where storage never opens', async () => {
    const registry = new WebhookRegistry({
      addresses: loopback,
      storage: overriding(memoryStorage(), { open: () => new Promise(() => {}) }),
    })
    const dispatcher = new EventDispatcher({ registry })
    const started = dispatcher.start()
    await dispatcher.stop()
    expect(await started).toBeUndefined()
  })

  it('is bounded where a fetch that was given does not heed its signal', async () => {
    const asked = gate()
    const fetch = () => (asked.open(), new Promise<never>(() => {}))
    const { dispatcher, intact } = await setUp('http://127.0.0.1:9/', { fetch })
    await dispatcher.start()
    await dispatcher.dispatch('wanted.one', {})
    await asked.opened
    await dispatcher.stop({ timeoutMs: 0 })
    expect(await intact.stats({})).toMatchObject({ ready: 1, leased: 0 })
  })

  it('becomes quicker when it is called again', async () => {
    const arrived = gate()
    await using receiver = await startReceiver(() => (arrived.open(), new Promise(() => {})))
    const { dispatcher, intact } = await setUp(receiver.url)
    await dispatcher.start()
    await dispatcher.dispatch('wanted.one', {})
    await arrived.opened
    const patient = dispatcher.stop({ timeoutMs: 600_000 })
    await dispatcher.stop({ timeoutMs: 0 })
    await patient
    expect(await intact.stats({})).toMatchObject({ ready: 1, leased: 0 })
  })

  it('ends a drain that is under way, with an error, started or not', async () => {
    const held = gate()
    await using receiver = await startReceiver(async () => (await held.opened, 204))
    const { dispatcher } = await setUp(receiver.url, { concurrency: 1 })
    await dispatcher.dispatchMany(many(5))
    for (const isStarted of [false, true]) {
      if (isStarted) await dispatcher.start()
      const drained = dispatcher.drain().catch((error: unknown) => error)
      await new Promise((resolve) => setImmediate(resolve))
      const stopped = dispatcher.stop({ timeoutMs: 0 })
      expect(await drained).toMatchObject({ code: 'DISPATCHER_STOPPED' })
      await stopped
    }
    const sent = receiver.received.length
    held.open()
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(receiver.received).toHaveLength(sent)
  })

  it('records what it knows, also where storage was away when it stopped', async () => {
    await using receiver = await startReceiver()
    let failures = 0
    const failed = gate()
    const { dispatcher, intact } = await setUp(receiver.url, {}, (storage) => ({
      settle: async (settlements) => {
        if (failures++ < 1) {
          failed.open()
          throw new Error('away')
        }
        return await storage.settle(settlements)
      },
    }))
    await dispatcher.start()
    await dispatcher.dispatch('wanted.one', {})
    await failed.opened
    await dispatcher.stop({ timeoutMs: 0 })
    const { data } = await intact.listDeliveries({ tenantId: 'default', limit: 1 })
    expect(data).toMatchObject([{ state: 'succeeded', attemptCount: 1 }])
  })

  it('refuses options that it does not have', async () => {
    const { dispatcher } = await setUp('http://127.0.0.1:9/')
    await expect(dispatcher.stop(JSON.parse('{"timeout": 1}'))).rejects.toMatchObject({ issues: [{ path: 'timeout' }] })
    await expect(dispatcher.stop({ timeoutMs: -1 })).rejects.toThrow(RangeError)
  })
})

describe('a started dispatcher', () => {
  it('finds due work also while dispatches that match nothing keep coming', async () => {
    await using receiver = await startReceiver()
    const { dispatcher } = await setUp(receiver.url, {}, (storage) => ({
      enqueue: async (...given) => {
        await new Promise((resolve) => setTimeout(resolve, 2))
        return await storage.enqueue(...given)
      },
    }))
    await dispatcher.start()
    await dispatcher.dispatch('wanted.one', {}, { delayMs: 30 })
    let isDone = false
    const delivered = new Promise<void>((resolve) => dispatcher.on('delivery.succeeded', () => resolve()))
    const stream = (async () => {
      while (!isDone) await dispatcher.dispatch('unwanted.one', {})
    })()
    await delivered
    isDone = true
    await stream
    expect(receiver.received).toHaveLength(1)
    await dispatcher.stop()
  })

  it('finds what another dispatcher wrote to the same storage', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, registry } = await setUp(receiver.url, { pollIntervalMs: 20 })
    await dispatcher.start()
    await dispatcher.drain()
    const delivered = new Promise<void>((resolve) => dispatcher.on('delivery.succeeded', () => resolve()))
    await new EventDispatcher({ registry }).dispatch('wanted.one', {})
    await delivered
    expect(receiver.received).toHaveLength(1)
    await dispatcher.stop()
  })

  it('goes on after the in-flight cap of a busy webhook was lowered', async () => {
    const held = gate()
    await using receiver = await startReceiver(async (_, nth) => (nth <= 4 ? (await held.opened, 204) : 204))
    const { dispatcher, registry, webhook } = await setUp(receiver.url, { pollIntervalMs: 20 })
    await registry.update(webhook.id, { maxInFlight: 4 })
    await dispatcher.start()
    await dispatcher.dispatchMany(many(12))
    await registry.update(webhook.id, { maxInFlight: 1 })
    held.open()
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(12)
    await dispatcher.stop()
  })

  // What had been freed while a claim was under way was forgotten when that found nothing, until the next poll.
  it('goes on with a busy webhook whose slot was freed while a claim was under way', async () => {
    const answered = gate()
    await using receiver = await startReceiver(async (_, nth) => (nth === 1 ? (await answered.opened, 204) : 204))
    const isLate = gate()
    let claims = 0
    let lateness = Promise.resolve()
    const options = { pollIntervalMs: 60_000, random: () => 0.5 }
    const { dispatcher, registry, webhook } = await setUp(receiver.url, options, (storage) => ({
      claim: async (query) => {
        const result = await storage.claim(query)
        claims++
        await lateness
        return result
      },
    }))
    await registry.update(webhook.id, { maxInFlight: 1 })
    await dispatcher.start()
    await dispatcher.dispatch('wanted.one', 1)
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1))
    const dispatchAndClaim = async () => {
      const before = claims
      await dispatcher.dispatch('wanted.one', 2)
      await vi.waitFor(() => expect(claims).toBeGreaterThan(before), { interval: 1 })
    }
    // Claims that find nothing, each of which doubles the time until the next poll.
    for (let n = 0; n < 12; n++) await dispatchAndClaim()
    lateness = isLate.opened
    await dispatchAndClaim()
    const delivered = new Promise<void>((resolve) => dispatcher.on('delivery.succeeded', () => resolve()))
    answered.open()
    await delivered
    await new Promise((resolve) => setImmediate(resolve))
    isLate.open()
    await vi.waitFor(() => expect(receiver.received).toHaveLength(14))
    await dispatcher.stop()
  })

  it('forgets a drain whose signal was aborted', async () => {
    const held = gate()
    const arrived = gate()
    await using receiver = await startReceiver(async () => (arrived.open(), await held.opened, 204))
    let claims = 0
    const { dispatcher } = await setUp(receiver.url, { pollIntervalMs: 60_000 }, (storage) => ({
      claim: (query) => (claims++, storage.claim(query)),
    }))
    await dispatcher.start()
    await dispatcher.dispatch('wanted.one', {})
    await arrived.opened
    const controller = new AbortController()
    const drained = dispatcher.drain({ signal: controller.signal }).catch((error: unknown) => error)
    controller.abort(new Error('enough'))
    expect(await drained).toMatchObject({ message: 'enough' })
    held.open()
    await dispatcher.drain()
    const before = claims
    for (let n = 0; n < 20; n++) {
      const done = new Promise<void>((resolve) => dispatcher.on('delivery.succeeded', () => resolve()))
      await dispatcher.dispatch('wanted.one', n)
      await done
    }
    // A waiter that stayed behind would make every end of a round look for work.
    expect(claims - before).toBeLessThan(20)
    await dispatcher.stop()
  })
})

describe('EventDispatcher.drain without start', () => {
  it('waits for what is under way, and looks again', async () => {
    const held = gate()
    await using receiver = await startReceiver(async (_, nth) => (nth <= 2 ? (await held.opened, 204) : 204))
    const { dispatcher, registry, webhook, intact } = await setUp(receiver.url)
    await registry.update(webhook.id, { maxInFlight: 2 })
    await dispatcher.dispatchMany(many(5))
    const run = dispatcher.runOnce()
    const drained = dispatcher.drain()
    held.open()
    await drained
    await run
    expect(receiver.received).toHaveLength(5)
    expect(await intact.stats({})).toMatchObject({ ready: 0, leased: 0 })
  })
})

describe('EventDispatcher.runOnce', () => {
  it('claims no more than there is room for', async () => {
    const held = gate()
    await using receiver = await startReceiver(async () => (await held.opened, 204))
    const { dispatcher, intact } = await setUp(receiver.url, { concurrency: 2 })
    await dispatcher.dispatchMany(many(6))
    const runs = Array.from({ length: 3 }, () => dispatcher.runOnce())
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(await intact.stats({})).toMatchObject({ leased: 2, ready: 4 })
    held.open()
    const claimed = (await Promise.all(runs)).map((run) => run.claimed)
    expect(claimed.every((count) => count >= 1)).toBe(true)
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(6)
  })

  it('gets its turn also while the dispatcher is started and always busy', async () => {
    const held = [gate(), gate()]
    await using receiver = await startReceiver(async (_, nth) => (await held[nth - 1]?.opened, 204))
    const { dispatcher } = await setUp(receiver.url, { concurrency: 2 })
    await dispatcher.start()
    await dispatcher.dispatchMany(many(2))
    const run = dispatcher.runOnce()
    held[0]!.open()
    // The second request is still under way.
    expect(await run).toEqual({ claimed: 0, succeeded: 0, failed: 0 })
    held[1]!.open()
    await dispatcher.stop()
  })

  // It used to wait until the claim loop had nothing left to hold ahead.
  it('gets its turn also beside a claim loop with a backlog', async () => {
    const answers = gate()
    await using receiver = await startReceiver(async (_, nth) => (nth > 8 ? (await answers.opened, 204) : 204))
    const { dispatcher, registry, webhook } = await setUp(receiver.url, { concurrency: 2 })
    await registry.update(webhook.id, { maxInFlight: 1000 })
    await dispatcher.start()
    await dispatcher.dispatchMany(many(40))
    await vi.waitFor(() => expect(receiver.received).toHaveLength(10))
    const passes = [dispatcher.runOnce(), dispatcher.runOnce()]
    answers.open()
    await Promise.race(passes)
    expect(receiver.received.length).toBeLessThan(40)
    await Promise.all(passes)
    await dispatcher.stop()
  })

  it('goes on for its budget, until nothing is due', async () => {
    await using receiver = await startReceiver()
    const { dispatcher } = await setUp(receiver.url, { concurrency: 2 })
    await dispatcher.dispatchMany(many(9))
    expect(await dispatcher.runOnce({ budgetMs: 10_000 })).toEqual({ claimed: 9, succeeded: 9, failed: 0 })
  })

  it('gives back what waits when its budget is spent', async () => {
    await using receiver = await startReceiver(() => 500)
    const { dispatcher, intact } = await setUp(receiver.url, { retry: { retries: 1, minTimeout: 10_000 } })
    await dispatcher.dispatch('wanted.one', {})
    expect(await dispatcher.runOnce({ budgetMs: 50 })).toEqual({ claimed: 1, succeeded: 0, failed: 0 })
    expect(await intact.stats({})).toMatchObject({ waiting: 1, leased: 0 })
    expect(receiver.received).toHaveLength(1)
  })

  it.each([0, -1, Number.NaN, 3_600_001])('refuses a budget of %d', async (budgetMs) => {
    const { dispatcher } = await setUp('http://127.0.0.1:9/')
    await expect(dispatcher.runOnce({ budgetMs })).rejects.toThrow(/budgetMs/)
  })
})

describe('maxPendingPerTenant', () => {
  it('refuses what would pass it, per tenant, and lets in again when there is room', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, registry, intact } = await setUp(receiver.url, { maxPendingPerTenant: 3 })
    await registry.create({ name: 'b', url: receiver.url, events: ['*'] }, { tenantId: 'other' })
    await dispatcher.dispatchMany(many(3))
    await expect(dispatcher.dispatch('wanted.one', {})).rejects.toMatchObject({ code: 'QUEUE_FULL' })
    expect(await intact.stats({ tenantId: 'default' })).toMatchObject({ ready: 3 })
    expect(await dispatcher.dispatch('unwanted.one', {})).toMatchObject({ deliveries: 0 })
    expect(await dispatcher.dispatch('wanted.one', {}, { tenantId: 'other' })).toMatchObject({ deliveries: 1 })
    await dispatcher.drain()
    await new Promise((resolve) => setTimeout(resolve, 100)) // a full queue is counted ten times a second
    expect(await dispatcher.dispatch('wanted.one', {})).toMatchObject({ deliveries: 1 })
  })

  it('is counted once for dispatches that come at once, and not for the next ones', async () => {
    let counts = 0
    const { dispatcher } = await setUp('http://127.0.0.1:9/', {}, (storage) => ({
      stats: (query) => (counts++, storage.stats(query)),
    }))
    await Promise.all(many(20).map(({ type, data }) => dispatcher.dispatch(type, data)))
    for (const { type, data } of many(5)) await dispatcher.dispatch(type, data)
    expect(counts).toBe(1)
  })

  it('can be switched off', async () => {
    const { dispatcher } = await setUp('http://127.0.0.1:9/', { maxPendingPerTenant: Infinity }, () => ({
      stats: () => Promise.reject(new Error('not asked')),
    }))
    expect(await dispatcher.dispatch('wanted.one', {})).toMatchObject({ deliveries: 1 })
  })
})

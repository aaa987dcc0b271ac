import { describe, expect, it, vi } from 'vitest'
import { EventDispatcher, memoryStorage, WebhookRegistry, type EventDispatcherOptions, type Storage } from 'posthorn'
import { manualClock } from '../support/clock.ts'
import { loopback } from '../support/loopback.ts'
import { overriding } from '../support/overriding.ts'
import { gate, startReceiver } from '../support/receiver.ts'

async function setUp(url: string, changes: Partial<Storage> = {}, options: Partial<EventDispatcherOptions> = {}) {
  const clock = manualClock()
  const intact = memoryStorage({ clock: clock.now })
  const storage = overriding(intact, changes)
  const registry = new WebhookRegistry({ addresses: loopback, storage, clock: clock.now })
  const dispatcher = new EventDispatcher({
    registry,
    clock: clock.now,
    retry: { minTimeout: 1, randomize: false },
    ...options,
  })
  const webhook = await registry.create({ name: 'a', url, events: ['*'] })
  const errors: string[] = []
  dispatcher.on('worker.error', ({ during }) => errors.push(during))
  const only = async () => dispatcher.getDelivery((await dispatcher.listDeliveries()).data[0]!.id)
  return { clock, intact, registry, dispatcher, webhook, errors, only }
}

// The first `count` calls fail, as when a database restarts.
function failing<Arguments extends unknown[], Result>(count: number, call: (...given: Arguments) => Promise<Result>) {
  let calls = 0
  return async (...given: Arguments): Promise<Result> => {
    if (++calls <= count) throw new Error('storage is away')
    return await call(...given)
  }
}

describe('a worker that held a delivery for too long', () => {
  it('writes nothing, and says so', async () => {
    const held = gate()
    const arrived = gate()
    await using receiver = await startReceiver(async () => (arrived.open(), await held.opened, 500))
    const { dispatcher, intact, clock, only } = await setUp(receiver.url, {}, { leaseMs: 1000 })
    const lost: unknown[] = []
    dispatcher.on('delivery.lost', (event) => lost.push(event))
    await dispatcher.dispatch('a.b', {})
    const run = dispatcher.runOnce()
    await arrived.opened
    clock.advance(1001)
    const { claimed } = await intact.claim({ limit: 1, leaseMs: 1000 })
    expect(claimed).toHaveLength(1)
    held.open()
    expect(await run).toEqual({ claimed: 1, succeeded: 0, failed: 0 })
    expect(lost).toHaveLength(1)
    expect(await only()).toMatchObject({ state: 'pending', attemptCount: 0, isLeased: true, attempts: [] })
  })

  it('keeps its lease alive for as long as a request takes', async () => {
    const held = gate()
    const arrived = gate()
    const renewed: number[] = []
    await using receiver = await startReceiver(async () => (arrived.open(), await held.opened, 204))
    const { dispatcher, intact, clock, only } = await setUp(
      receiver.url,
      {
        renew: async (leases, leaseMs) => {
          const ids = await intact.renew(leases, leaseMs)
          renewed.push(ids.length)
          clock.advance(400)
          if (renewed.length === 3) held.open()
          return ids
        },
      },
      { leaseMs: 1000 },
    )
    await dispatcher.dispatch('a.b', {})
    expect(await dispatcher.runOnce()).toMatchObject({ succeeded: 1 })
    expect(renewed).toEqual([1, 1, 1])
    expect(await only()).toMatchObject({ state: 'succeeded', attemptCount: 1 })
  })
})

describe('a storage that is away for a while', () => {
  it('gets the outcome of a request recorded once it is back, and nothing is sent twice', async () => {
    await using receiver = await startReceiver()
    const intact: { settle?: Storage['settle'] } = {}
    const { dispatcher, errors, only, ...rest } = await setUp(receiver.url, {
      settle: failing(3, (settlements) => intact.settle!(settlements)),
    })
    intact.settle = (settlements) => rest.intact.settle(settlements)
    await dispatcher.dispatch('a.b', {})
    expect(await dispatcher.runOnce()).toMatchObject({ succeeded: 1 })
    expect(errors).toEqual(['settle', 'settle', 'settle'])
    expect(receiver.received).toHaveLength(1)
    expect(await only()).toMatchObject({ state: 'succeeded', attemptCount: 1 })
  })

  it('does not end a dispatcher that claims', async () => {
    await using receiver = await startReceiver()
    const later: { claim?: Storage['claim'] } = {}
    const { dispatcher, errors, intact, only } = await setUp(receiver.url, {
      claim: failing(2, (query) => later.claim!(query)),
      enqueue: async (events) => await intact.enqueue(events), // leaves the delivery to be claimed
    })
    later.claim = (query) => intact.claim(query)
    await dispatcher.start()
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    expect(errors).toEqual(['claim', 'claim'])
    expect(await only()).toMatchObject({ state: 'succeeded' })
    await dispatcher.stop()
  })

  it('rejects a dispatch, and only while it is away', async () => {
    const later: { enqueue?: Storage['enqueue'] } = {}
    const { dispatcher, intact } = await setUp('http://127.0.0.1:9/', {
      enqueue: failing(1, (events, options) => later.enqueue!(events, options)),
    })
    later.enqueue = (events, options) => intact.enqueue(events, options)
    await expect(dispatcher.dispatch('a.b', {})).rejects.toThrow('storage is away')
    expect(await dispatcher.dispatch('a.b', {})).toMatchObject({ status: 'accepted' })
  })
})

describe('a row that cannot be delivered', () => {
  it('fails without a request where the secrets cannot be read', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, intact, webhook, errors, only } = await setUp(receiver.url)
    await intact.updateWebhook(webhook.id, 'default', { sealed: 'damaged' })
    await dispatcher.dispatch('a.b', {})
    expect(await dispatcher.runOnce()).toMatchObject({ failed: 1 })
    expect(await only()).toMatchObject({
      state: 'failed',
      reason: 'invalid_secret',
      attempts: [{ error: 'invalid_secret' }],
    })
    expect(errors).toEqual([`signing for webhook ${webhook.id}`])
    expect(receiver.received).toHaveLength(0)
  })

  it('fails without a request where the URL is not one', async () => {
    const { dispatcher, intact, webhook, only } = await setUp('http://127.0.0.1:9/')
    await intact.updateWebhook(webhook.id, 'default', { url: 'gopher://example.com' })
    await dispatcher.dispatch('a.b', {})
    expect(await dispatcher.runOnce()).toMatchObject({ failed: 1 })
    expect(await only()).toMatchObject({ state: 'failed', reason: 'invalid_url', attempts: [{ error: 'invalid_url' }] })
  })

  it('fails without a request after thirty holders died over it', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, intact, clock, only } = await setUp(receiver.url)
    await dispatcher.dispatch('a.b', {})
    for (let n = 0; n < 30; n++) {
      expect((await intact.claim({ limit: 1, leaseMs: 1000 })).claimed).toHaveLength(1)
      clock.advance(1001)
    }
    expect(await dispatcher.runOnce()).toMatchObject({ failed: 1 })
    expect(await only()).toMatchObject({ state: 'failed', reason: 'poisoned', attempts: [] })
    expect(receiver.received).toHaveLength(0)
  })
})

describe('a worker whose renewals fail', () => {
  it('sends nothing more once its lease has run out', async () => {
    await using receiver = await startReceiver(() => 500)
    const { dispatcher, errors } = await setUp(
      receiver.url,
      { renew: () => Promise.reject(new Error('away')) },
      { leaseMs: 1000, retry: { retries: 1, minTimeout: 1300, randomize: false } },
    )
    const lost: unknown[] = []
    dispatcher.on('delivery.lost', (event) => lost.push(event))
    await dispatcher.dispatch('a.b', {})
    await dispatcher.runOnce()
    expect(receiver.received).toHaveLength(1)
    expect(lost).toHaveLength(1)
    expect(new Set(errors)).toEqual(new Set(['renew']))
  })
})

describe('a body that retention removed', () => {
  it('is not sent as an empty one', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, intact, clock, only } = await setUp(receiver.url)
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    clock.advance(1000)
    await intact.purge({ bodiesOlderThanMs: 1, limit: 10 })
    const { id } = await only()
    await expect(dispatcher.resend(id)).rejects.toMatchObject({ code: 'PAYLOAD_GONE' })
    // Removed between the look and the write.
    await intact.requeue({ tenantId: 'default', ids: [id], limit: 1 })
    expect(await dispatcher.runOnce()).toMatchObject({ failed: 1 })
    expect(await only()).toMatchObject({ state: 'failed', reason: 'payload_gone' })
    expect(receiver.received).toHaveLength(1)
  })
})

describe('a receiver that answers 410', () => {
  it('does not disable a webhook that has another URL by now', async () => {
    const held = gate()
    const arrived = gate()
    await using receiver = await startReceiver(async () => (arrived.open(), await held.opened, 410))
    const { dispatcher, registry, webhook, only } = await setUp(receiver.url)
    await dispatcher.dispatch('a.b', {})
    const run = dispatcher.runOnce()
    await arrived.opened
    await registry.update(webhook.id, { url: 'https://example.com/new' })
    held.open()
    await run
    expect(await only()).toMatchObject({ state: 'failed', reason: 'gone' })
    expect(await registry.get(webhook.id)).toMatchObject({ isActive: true })
  })

  it('disables it once, and leaves the reason of an owner who was quicker', async () => {
    const held = gate()
    await using receiver = await startReceiver(async () => (await held.opened, 410))
    const { dispatcher, registry, webhook } = await setUp(receiver.url)
    const disabled: unknown[] = []
    dispatcher.on('webhook.disabled', (event) => disabled.push(event))
    await dispatcher.dispatchMany([1, 2, 3].map((n) => ({ type: 'a.b', data: n })))
    const run = dispatcher.runOnce()
    held.open()
    await run
    expect(disabled).toHaveLength(1)
    await registry.enable(webhook.id)
    await dispatcher.dispatch('a.b', {})
    const again = dispatcher.runOnce()
    await registry.disable(webhook.id)
    await again
    expect(disabled).toHaveLength(1)
    expect(await registry.get(webhook.id)).toMatchObject({ isActive: false, disabledReason: 'manual' })
  })
})

describe('rounds that wait', () => {
  it('are parked in storage above four for each slot', async () => {
    await using receiver = await startReceiver(() => 500)
    const { dispatcher, intact } = await setUp(
      receiver.url,
      {},
      { concurrency: 1, retry: { retries: 1, minTimeout: 10_000, randomize: false } },
    )
    await dispatcher.start()
    let attempted = 0
    const all = new Promise<void>((resolve) =>
      dispatcher.on('delivery.attempted', () => void (++attempted === 7 && resolve())),
    )
    await dispatcher.dispatchMany(Array.from({ length: 7 }, (_, n) => ({ type: 'a.b', data: n })))
    await all
    // The event tells of an attempt before what parks its delivery is written.
    await vi.waitFor(async () => expect(await intact.stats({})).toMatchObject({ leased: 4, waiting: 3, ready: 0 }))
    await dispatcher.stop()
    expect(await intact.stats({})).toMatchObject({ leased: 0, waiting: 7 })
  })
})

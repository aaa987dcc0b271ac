import { afterEach, describe, expect, it, vi } from 'vitest'
import { EventDispatcher, memoryStorage, WebhookRegistry, type Storage } from 'posthorn'
import { manualClock } from '../support/clock.ts'
import { loopback } from '../support/loopback.ts'
import { gate, startReceiver } from '../support/receiver.ts'
import { overriding } from '../support/overriding.ts'

afterEach(() => vi.restoreAllMocks())

function laterBy(ms: number): void {
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + ms)
}

async function setUp(answer: () => Promise<number>, changes: (intact: Storage) => Partial<Storage> = () => ({})) {
  let isWarm = false
  const receiver = await startReceiver(async () => (isWarm ? await answer() : 204))
  const intact = memoryStorage()
  const storage = overriding(intact, changes(intact))
  const registry = new WebhookRegistry({ storage, addresses: loopback })
  const dispatcher = new EventDispatcher({ registry, concurrency: 1, retry: { retries: 0 } })
  const webhook = await registry.create({ name: 'test', url: receiver.url, events: ['*'] })
  // A claim of what nobody died of, without which nothing is held ahead.
  await dispatcher.dispatch('warm.up', {})
  await dispatcher.start()
  await dispatcher.drain()
  isWarm = true
  receiver.received.length = 0
  const dispatchTwo = () => dispatcher.dispatchMany([1, 2].map((data) => ({ type: 'a.b', data })))
  const end = async () => {
    await dispatcher.stop()
    await receiver[Symbol.asyncDispose]()
  }
  return { intact, receiver, registry, dispatcher, webhook, dispatchTwo, end }
}

describe('deliveries that are held and wait for their slot', () => {
  it('are leased by a dispatch beside a claim that is under way', async () => {
    const claiming = gate()
    let hangs = false
    let hanging = 0
    const { receiver, dispatcher, end } = await setUp(
      async () => 204,
      (intact) => ({
        claim: async (query) => {
          if (hangs) hanging++
          if (hangs) await claiming.opened
          return await intact.claim(query)
        },
      }),
    )
    hangs = true
    await vi.waitFor(() => expect(hanging).toBe(1), { timeout: 10_000 })
    await dispatcher.dispatch('a.b', {})
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1))
    hangs = false
    claiming.open()
    await end()
  })

  it('go to the webhook as it is when their turn comes', async () => {
    const held = gate()
    const { receiver, registry, dispatcher, webhook, dispatchTwo, end } = await setUp(() => held.opened.then(() => 204))
    await dispatchTwo()
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1))
    await registry.update(webhook.id, { url: `${receiver.url}/moved` })
    laterBy(2000)
    held.open()
    await dispatcher.drain()
    expect(receiver.received.map(({ url }) => url)).toEqual(['/hook', '/hook/moved'])
    await end()
  })

  it('are cancelled, not sent, where the webhook was disabled meanwhile', async () => {
    const held = gate()
    const { receiver, registry, dispatcher, webhook, dispatchTwo, end } = await setUp(() => held.opened.then(() => 204))
    await dispatchTwo()
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1))
    await registry.disable(webhook.id)
    laterBy(2000)
    held.open()
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(1)
    const { data } = await dispatcher.listDeliveries({ order: 'asc', type: 'a.b' })
    expect(data.map(({ state, reason }) => [state, reason])).toEqual([
      ['succeeded', null],
      ['cancelled', 'disabled'],
    ])
    await end()
  })

  // They used to wait with their leases until the slowest receiver had answered, or the stop had run out of time.
  it('go back at once when the dispatcher stops, whatever is under way', async () => {
    const held = gate()
    const { intact, receiver, dispatcher, dispatchTwo, end } = await setUp(() => held.opened.then(() => 204))
    await dispatchTwo()
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1))
    await vi.waitFor(async () => expect(await intact.stats({})).toMatchObject({ leased: 2, ready: 0 }))
    const stopped = dispatcher.stop()
    await vi.waitFor(async () => expect(await intact.stats({})).toMatchObject({ leased: 1, ready: 1 }))
    held.open()
    await stopped
    expect(receiver.received).toHaveLength(1)
    expect(await intact.stats({})).toMatchObject({ leased: 0, ready: 1 })
    await end()
  })

  // They used to be let go of without a word to storage, to come back when their leases had run out.
  it('go back, and come again, where storage fails to read their webhook', async () => {
    const held = gate()
    let reads = 0
    const { receiver, dispatcher, webhook, dispatchTwo, end } = await setUp(
      () => held.opened.then(() => 204),
      (intact) => ({
        getWebhook: async (id, tenantId) => {
          if (++reads === 1) throw new Error('storage is away')
          return await intact.getWebhook(id, tenantId)
        },
      }),
    )
    const errors: string[] = []
    dispatcher.on('worker.error', ({ during }) => errors.push(during))
    await dispatchTwo()
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1))
    laterBy(2000)
    held.open()
    await vi.waitFor(() => expect(receiver.received).toHaveLength(2))
    expect(errors).toEqual([`reading webhook ${webhook.id}`])
    await end()
  })

  it('let a test go first', async () => {
    const held = gate()
    const { receiver, dispatcher, webhook, dispatchTwo, end } = await setUp(() => held.opened.then(() => 204))
    await dispatchTwo()
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1))
    const test = dispatcher.test(webhook.id)
    await vi.waitFor(async () =>
      expect((await dispatcher.listDeliveries({ type: 'webhook.test' })).data).toHaveLength(1),
    )
    held.open()
    expect(await test).toMatchObject({ state: 'succeeded' })
    await dispatcher.drain()
    const types = receiver.received.map(({ body }) => JSON.parse(body).type as string)
    expect(types).toEqual(['a.b', 'webhook.test', 'a.b'])
    await end()
  })

  it('are claimed many at a time while there is a backlog', async () => {
    await using receiver = await startReceiver()
    const intact = memoryStorage()
    const limits: number[] = []
    const storage = overriding(intact, {
      claim: (query) => {
        limits.push(query.limit)
        return intact.claim(query)
      },
    })
    const registry = new WebhookRegistry({ storage, addresses: loopback })
    const dispatcher = new EventDispatcher({ registry, concurrency: 8 })
    await registry.create({ name: 'test', url: receiver.url, events: ['*'], maxInFlight: 1000 })
    await dispatcher.dispatchMany(Array.from({ length: 320 }, (_, data) => ({ type: 'a.b', data })))
    await dispatcher.start()
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(320)
    expect(limits.length).toBeLessThan(320 / 8)
    await dispatcher.stop()
  })
})

describe('a process that dies again and again', () => {
  // All that it held for its slots counted as claimed without an attempt each time, and ended as poisoned without ever being sent.
  it('poisons what it dies of, and nothing that only waited for its turn', async () => {
    const never = gate()
    const isOfPoison = (body: string) => (JSON.parse(body) as { data: unknown }).data === 'poison'
    await using receiver = await startReceiver(async ({ body }) => (isOfPoison(body) ? (await never.opened, 204) : 204))
    const clock = manualClock()
    const intact = memoryStorage({ clock: clock.now })
    const registry = new WebhookRegistry({ storage: intact, addresses: loopback, clock: clock.now })
    await registry.create({ name: 'test', url: receiver.url, events: ['*'] })
    const writer = new EventDispatcher({ registry, clock: clock.now })
    for (const data of ['poison', 1, 2, 3]) {
      await writer.dispatch('a.b', data)
      clock.advance(1)
    }
    for (let life = 1; life <= 30; life++) {
      const begun = receiver.received.length
      const dead = await aLife(intact, clock.now)
      await vi.waitFor(() => expect(receiver.received.length).toBeGreaterThan(begun))
      await dead()
      clock.advance(31_000)
    }
    const last = new EventDispatcher({ registry, clock: clock.now, concurrency: 1 })
    await last.start()
    await last.drain()
    const { data } = await last.listDeliveries({ order: 'asc' })
    expect(data.map(({ state, reason }) => [state, reason])).toEqual([
      ['failed', 'poisoned'],
      ...[1, 2, 3].map(() => ['succeeded', null]),
    ])
    await last.stop()
    never.open()
  })

  // What it returns has all that the process still says come to nothing, as if it had been killed.
  async function aLife(intact: Storage, now: () => number) {
    let isDead = false
    const mute =
      <Given extends unknown[], Result>(call: (...given: Given) => Promise<Result>) =>
      async (...given: Given): Promise<Result> => {
        if (isDead) throw new Error('killed')
        return await call(...given)
      }
    const changes = {
      settle: mute((settlements: Parameters<Storage['settle']>[0]) => intact.settle(settlements)),
      renew: mute((leases: Parameters<Storage['renew']>[0], leaseMs: number) => intact.renew(leases, leaseMs)),
      claim: mute((query: Parameters<Storage['claim']>[0]) => intact.claim(query)),
    }
    const storage = overriding(intact, changes)
    const registry = new WebhookRegistry({ storage, addresses: loopback, clock: now })
    const dispatcher = new EventDispatcher({ registry, clock: now, concurrency: 1 })
    dispatcher.on('worker.error', () => undefined)
    await dispatcher.start()
    return async () => {
      isDead = true
      await dispatcher.stop({ timeoutMs: 0 })
    }
  }
})

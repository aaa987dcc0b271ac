import { afterEach, describe, expect, it, vi } from 'vitest'
import { EventDispatcher, memoryStorage, WebhookRegistry, type Storage } from 'posthorn'
import { loopback } from '../support/loopback.ts'
import { gate, startReceiver } from '../support/receiver.ts'
import { overriding } from '../support/overriding.ts'

afterEach(() => vi.restoreAllMocks())

function laterBy(ms: number): void {
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + ms)
}

async function setUp(answer: () => Promise<number>, changes: (intact: Storage) => Partial<Storage> = () => ({})) {
  const receiver = await startReceiver(answer)
  const intact = memoryStorage()
  const storage = overriding(intact, changes(intact))
  const registry = new WebhookRegistry({ storage, addresses: loopback })
  const dispatcher = new EventDispatcher({ registry, concurrency: 1, retry: { retries: 0 } })
  const webhook = await registry.create({ name: 'test', url: receiver.url, events: ['*'] })
  await dispatcher.start()
  const dispatchTwo = () => dispatcher.dispatchMany([1, 2].map((data) => ({ type: 'a.b', data })))
  const end = async () => {
    await dispatcher.stop()
    await receiver[Symbol.asyncDispose]()
  }
  return { intact, receiver, registry, dispatcher, webhook, dispatchTwo, end }
}

describe('deliveries that are held and wait for their slot', () => {
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
    const { data } = await dispatcher.listDeliveries({ order: 'asc' })
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

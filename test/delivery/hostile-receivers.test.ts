import { EventDispatcher, memoryStorage, WebhookRegistry } from 'posthorn'
import { gitlabToken } from 'posthorn/schemes'
import { describe, expect, it } from 'vitest'
import { loopback } from '../support/loopback.ts'
import { overriding } from '../support/overriding.ts'
import { gate, startReceiver } from '../support/receiver.ts'

function setUp(storage = memoryStorage()) {
  const registry = new WebhookRegistry({ storage, addresses: loopback })
  const dispatcher = new EventDispatcher({ registry, retry: { retries: 0 }, schedule: [60_000] })
  const create = (url: string) => registry.create({ name: 'test', url, events: ['*'] })
  return { storage, registry, dispatcher, create }
}

const later = { status: 429, headers: { 'retry-after': '3600' } }

describe('a webhook whose receiver asked for time', () => {
  it.each([
    ['its URL is changed', 'url'],
    ['it is enabled', 'enable'],
  ])('is sent to again once %s', async (_, change) => {
    let answer: typeof later | number = later
    await using receiver = await startReceiver(() => answer)
    const { registry, dispatcher, create } = setUp()
    const { id } = await create(receiver.url)
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    answer = 204
    await dispatcher.dispatch('a.c', {})
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(1)
    if (change === 'url') await registry.update(id, { url: `${receiver.url}other` })
    else await registry.enable(id)
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(2)
  })

  it('stays held back where something else is changed', async () => {
    await using receiver = await startReceiver(() => later)
    const { registry, dispatcher, create } = setUp()
    const { id } = await create(receiver.url)
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    await registry.update(id, { description: 'other' })
    await dispatcher.dispatch('a.c', {})
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(1)
  })

  it('is not held back where its URL was changed while the request was under way', async () => {
    const answering = gate()
    await using old = await startReceiver(async () => {
      await answering.opened
      return later
    })
    await using receiver = await startReceiver(() => 204)
    const { registry, dispatcher, create } = setUp()
    const { id } = await create(old.url)
    await dispatcher.dispatch('a.b', {})
    const draining = dispatcher.drain()
    await expect.poll(() => old.received.length).toBe(1)
    await registry.update(id, { url: receiver.url })
    answering.open()
    await draining
    await dispatcher.dispatch('a.c', {})
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(1)
  })
})

describe('an answer that echoes the headers of its request', () => {
  it('is recorded without the secret that gitlabToken sends', async () => {
    await using receiver = await startReceiver(({ headers }) => ({ status: 401, body: JSON.stringify(headers) }))
    const registry = new WebhookRegistry({ storage: memoryStorage(), addresses: loopback })
    const dispatcher = new EventDispatcher({ registry, schemes: [gitlabToken], retry: { retries: 0 } })
    const { secret } = await registry.create({ name: 'test', url: receiver.url, events: ['*'] })
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    const [delivery] = (await dispatcher.listDeliveries()).data
    const { attempts } = await dispatcher.getDelivery(delivery?.id ?? '')
    expect(attempts[0]?.responseBody).toContain('"x-gitlab-token":"[redacted]"')
    expect(JSON.stringify(attempts)).not.toContain(secret)
  })
})

describe('what waits for a webhook that is disabled', () => {
  it('is cancelled with turns of the event loop in between', async () => {
    const intact = memoryStorage()
    let turns = 0
    const seen: number[] = []
    const storage = overriding(intact, {
      cancel: (query) => {
        seen.push(turns)
        return intact.cancel(query)
      },
    })
    const { registry, dispatcher, create } = setUp(storage)
    const { id } = await create('http://127.0.0.1:9/')
    await dispatcher.dispatchMany(Array.from({ length: 1_200 }, (_, n) => ({ type: 'a.b', data: n })))
    const counting = setInterval(() => turns++, 0)
    await registry.disable(id)
    clearInterval(counting)
    expect(seen.length).toBeGreaterThan(2)
    expect(turns).toBeGreaterThan(0)
    expect(await storage.stats({})).toMatchObject({ ready: 0 })
  })
})

describe('listings', () => {
  it('take the cursor null for the first page, so that one loop reads them all', async () => {
    const { registry, dispatcher, create } = setUp()
    for (let n = 0; n < 3; n++) await create('http://127.0.0.1:9/')
    await dispatcher.dispatch('a.b', {})
    for (const list of [registry.list.bind(registry), dispatcher.listDeliveries.bind(dispatcher)]) {
      const ids: string[] = []
      let cursor: string | null = null
      do {
        const page: { data: { id: string }[]; nextCursor: string | null } = await list({ limit: 2, cursor })
        ids.push(...page.data.map(({ id }) => id))
        cursor = page.nextCursor
      } while (cursor !== null && ids.length < 10)
      expect(new Set(ids).size).toBe(3)
      expect(ids).toHaveLength(3)
    }
  })
})

describe('a delivery that was sent again and again', () => {
  it('is read with its newest 200 attempts', async () => {
    await using receiver = await startReceiver(() => 500)
    const registry = new WebhookRegistry({ storage: memoryStorage(), addresses: loopback })
    const retry = { retries: 20, minTimeout: 0, maxTimeout: 0 }
    const dispatcher = new EventDispatcher({ registry, retry })
    await registry.create({ name: 'test', url: receiver.url, events: ['*'] })
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    const id = (await dispatcher.listDeliveries()).data[0]?.id ?? ''
    for (let round = 0; round < 10; round++) {
      await dispatcher.resend(id)
      await dispatcher.drain()
    }
    const { attempts, attemptCount } = await dispatcher.getDelivery(id)
    expect(attemptCount).toBe(231)
    expect(attempts.map(({ number }) => number)).toEqual(Array.from({ length: 200 }, (_, index) => index + 32))
  })
})

describe('a settlement whose answer is lost after it was written', () => {
  it.each([
    ['succeeded', 204],
    ['failed', 410],
  ] as const)('is taken for what it is: %s', async (state, status) => {
    await using receiver = await startReceiver(() => status)
    const intact = memoryStorage()
    let isFirst = true
    const storage = overriding(intact, {
      settle: async (settlements) => {
        const settled = await intact.settle(settlements)
        if (!isFirst) return settled
        isFirst = false
        throw new Error('the connection broke')
      },
    })
    const { registry, dispatcher, create } = setUp(storage)
    const { id } = await create(receiver.url)
    const heard: string[] = []
    for (const name of ['delivery.succeeded', 'delivery.failed', 'delivery.lost'] as const)
      dispatcher.on(name, () => heard.push(name))
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    expect(isFirst).toBe(false)
    expect(heard).toEqual([`delivery.${state}`])
    expect((await registry.get(id)).isActive).toBe(status === 204)
  })

  it('is lost where somebody else has recorded an attempt of that number', async () => {
    await using receiver = await startReceiver(() => 204)
    const intact = memoryStorage()
    const storage = overriding(intact, {
      settle: async (settlements) => {
        const others = settlements.map((settlement) =>
          'attempt' in settlement
            ? { ...settlement, attempt: { ...settlement.attempt, startedAt: new Date(0) } }
            : settlement,
        )
        if ((await intact.settle(others)).length > 0) throw new Error('the connection broke')
        return []
      },
    })
    const { dispatcher, create } = setUp(storage)
    await create(receiver.url)
    const heard: string[] = []
    for (const name of ['delivery.succeeded', 'delivery.lost'] as const) dispatcher.on(name, () => heard.push(name))
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    expect(heard).toEqual(['delivery.lost'])
  })
})

describe('a round that hangs', () => {
  it('keeps no lease once the dispatcher has stopped', async () => {
    await using receiver = await startReceiver(() => 500)
    const intact = memoryStorage()
    let renewals = 0
    const storage = overriding(intact, {
      renew: async (leases, leaseMs) => {
        renewals++
        return await intact.renew(leases, leaseMs)
      },
    })
    const registry = new WebhookRegistry({ storage, addresses: loopback })
    const hanging = gate()
    const retry = { shouldRetry: () => hanging.opened.then(() => true) }
    const dispatcher = new EventDispatcher({ registry, retry, leaseMs: 1_000 })
    await registry.create({ name: 'test', url: receiver.url, events: ['*'] })
    await dispatcher.dispatch('a.b', {})
    await dispatcher.start()
    await expect.poll(() => renewals, { timeout: 5_000 }).toBeGreaterThan(0)
    await dispatcher.stop({ timeoutMs: 0 })
    const before = renewals
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(renewals).toBe(before)
    hanging.open()
  }, 20_000)
})

describe('an event with an idempotency key', () => {
  it('may hold what only the envelope can write', async () => {
    const { registry } = setUp()
    const envelope = ({ data }: { readonly data: unknown }) => ({ text: String(data) })
    const dispatcher = new EventDispatcher({ registry, envelope })
    expect((await dispatcher.dispatch('a.b', 1n, { idempotencyKey: 'k' })).status).toBe('accepted')
    expect((await dispatcher.dispatch('a.b', 1n, { idempotencyKey: 'k' })).status).toBe('duplicate')
    await expect(dispatcher.dispatch('a.b', 2n, { idempotencyKey: 'k' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
    const circular: unknown[] = []
    circular.push(circular)
    await expect(dispatcher.dispatch('a.b', circular, { idempotencyKey: 'c' })).rejects.toMatchObject({
      code: 'INVALID_EVENT',
    })
  })
})

describe('a fetch of the app', () => {
  it('is refused beside what only connections of our own obey', () => {
    const { registry } = setUp()
    const fetch = globalThis.fetch
    expect(() => new EventDispatcher({ registry, fetch, connectTimeoutMs: 1 })).toThrow(
      /connectTimeoutMs.*beside fetch/,
    )
    const proxied = new WebhookRegistry({ storage: memoryStorage(), addresses: { proxy: 'http://proxy.example:3128' } })
    expect(() => new EventDispatcher({ registry: proxied, fetch })).toThrow(/addresses\.proxy.*beside fetch/)
    expect(() => new EventDispatcher({ registry, fetch })).not.toThrow()
  })
})

import { describe, expect, it } from 'vitest'
import { EventDispatcher, memoryStorage, WebhookRegistry } from 'posthorn'
import { loopback } from '../support/loopback.ts'
import { overriding } from '../support/overriding.ts'

describe('dispatches that come at once', () => {
  it('share a write, but no write grows past 2,000 rows', async () => {
    const writes: number[] = []
    const intact = memoryStorage()
    const storage = overriding(intact, {
      enqueue: (events, options) => {
        writes.push(events.reduce((rows, event) => rows + 1 + event.deliveries.length, 0))
        return intact.enqueue(events, options)
      },
    })
    const registry = new WebhookRegistry({ addresses: loopback, storage })
    const dispatcher = new EventDispatcher({ registry })
    for (let n = 0; n < 900; n++) {
      await registry.create({ name: `${n}`, url: 'http://127.0.0.1:9/', events: ['wide.one'] })
    }
    const wide = Array.from({ length: 5 }, (_, n) => dispatcher.dispatch('wide.one', n))
    await Promise.all(wide)
    expect(writes.reduce((sum, rows) => sum + rows, 0)).toBe(5 * 901)
    expect(Math.max(...writes)).toBeLessThanOrEqual(2000)
    writes.length = 0
    await Promise.all(Array.from({ length: 50 }, (_, n) => dispatcher.dispatch('narrow.one', n)))
    expect(writes.length).toBeLessThan(10)
  })

  // One after the other, the counts of a few hundred tenants held all dispatches up for seconds.
  it('count the backlogs of their tenants side by side', async () => {
    const intact = memoryStorage()
    let underWay = 0
    let most = 0
    const storage = overriding(intact, {
      stats: async (query) => {
        most = Math.max(most, ++underWay)
        await new Promise((resolve) => setImmediate(resolve))
        underWay--
        return await intact.stats(query)
      },
    })
    const registry = new WebhookRegistry({ addresses: loopback, storage })
    const dispatcher = new EventDispatcher({ registry })
    const tenants = Array.from({ length: 20 }, (_, n) => `t${n}`)
    for (const tenantId of tenants) {
      await registry.create({ name: 'a', url: 'http://127.0.0.1:9/', events: ['*'] }, { tenantId })
    }
    await Promise.all(tenants.map((tenantId) => dispatcher.dispatch('a.b', {}, { tenantId })))
    expect(most).toBe(20)
  })

  it('are let in one by one where there is no room for all', async () => {
    const storage = memoryStorage()
    const registry = new WebhookRegistry({ addresses: loopback, storage })
    const dispatcher = new EventDispatcher({ registry, maxPendingPerTenant: 4 })
    for (const tenantId of ['full', 'empty']) {
      await registry.create({ name: 'a', url: 'http://127.0.0.1:9/', events: ['*'] }, { tenantId })
    }
    const many = (count: number) =>
      Array.from({ length: count }, (_, n) => ({ type: 'a.b', data: n, tenantId: 'full' }))
    const results = await Promise.allSettled([
      dispatcher.dispatchMany(many(3)),
      dispatcher.dispatchMany(many(2)),
      dispatcher.dispatch('a.b', {}, { tenantId: 'empty' }),
      dispatcher.dispatch('a.b', {}, { tenantId: 'full' }),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
    expect(results[0]).toMatchObject({ reason: { code: 'QUEUE_FULL' } })
    expect(await storage.stats({ tenantId: 'full' })).toMatchObject({ ready: 3 })
    expect(await storage.stats({ tenantId: 'empty' })).toMatchObject({ ready: 1 })
  })

  it('take no room where they were written before', async () => {
    const registry = new WebhookRegistry({ addresses: loopback, storage: memoryStorage() })
    const dispatcher = new EventDispatcher({ registry, maxPendingPerTenant: 3 })
    await registry.create({ name: 'a', url: 'http://127.0.0.1:9/', events: ['*'] })
    const statuses = []
    for (let n = 0; n < 5; n++) {
      statuses.push((await dispatcher.dispatch('a.b', {}, { idempotencyKey: 'one' })).status)
      const [repeat] = await dispatcher.dispatchMany([{ type: 'a.b', data: { n }, idempotencyKey: 'one' }])
      statuses.push(repeat?.status)
    }
    expect(new Set(statuses)).toEqual(new Set(['accepted', 'conflict', 'duplicate']))
    expect((await dispatcher.dispatch('a.b', {})).status).toBe('accepted')
  })

  it('are counted up to the limit, however high it is', async () => {
    const intact = memoryStorage()
    const counted: unknown[] = []
    const storage = overriding(intact, {
      stats: (query) => {
        counted.push(query.countUpTo)
        return intact.stats(query)
      },
    })
    const registry = new WebhookRegistry({ addresses: loopback, storage })
    await registry.create({ name: 'a', url: 'http://127.0.0.1:9/', events: ['*'] })
    await new EventDispatcher({ registry, maxPendingPerTenant: 120_000 }).dispatch('a.b', {})
    expect(counted).toEqual([120_001])
  })

  // What a failed write had been let in with was counted once more when it was repeated.
  it('are counted once where their write is repeated', async () => {
    const intact = memoryStorage()
    let writes = 0
    const storage = overriding(intact, {
      enqueue: async (events, options) => {
        if (++writes === 1) throw new Error('storage is away')
        return await intact.enqueue(events, options)
      },
    })
    const registry = new WebhookRegistry({ addresses: loopback, storage })
    const dispatcher = new EventDispatcher({ registry, maxPendingPerTenant: 10 })
    await registry.create({ name: 'a', url: 'http://127.0.0.1:9/', events: ['*'] })
    await Promise.all(Array.from({ length: 8 }, (_, n) => dispatcher.dispatch('a.b', n)))
    expect(await intact.stats({})).toMatchObject({ ready: 8 })
  })
})

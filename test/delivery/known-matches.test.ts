import { describe, expect, it } from 'vitest'
import { EventDispatcher, memoryStorage, type PosthornError, type Storage, WebhookRegistry } from 'posthorn'
import { KnownMatches } from '../../src/delivery/known-matches.ts'
import { checkingMatches } from '../support/checking-matches.ts'
import { loopback } from '../support/loopback.ts'
import { overriding } from '../support/overriding.ts'

const webhook = { url: 'http://127.0.0.1:9/hook', name: 'a', events: ['order.*'] }

/** A dispatcher that goes by memory, the registry of another process, and how often each of them asked. */
function setUp({ checks = true, maxPendingPerTenant = 100, isTransactional = false, shortAnswers = 0 } = {}) {
  const asked = { match: 0, enqueue: 0 }
  const inner = memoryStorage()
  const counting: Storage = overriding(inner, {
    matchWebhooks: async (queries, options) => {
      asked.match++
      if (asked.match <= shortAnswers) return []
      return await inner.matchWebhooks(queries, options)
    },
  })
  const checked = checks ? overriding(inner, checkingMatches(inner)) : inner
  const storage = overriding(counting, {
    capabilities: { ...checked.capabilities, transactions: isTransactional ? 'caller' : 'none' },
    enqueue: async (events, options) => {
      asked.enqueue++
      return await checked.enqueue(events, options)
    },
  })
  const dispatcher = new EventDispatcher({
    registry: new WebhookRegistry({ addresses: loopback, storage }),
    maxPendingPerTenant,
  })
  const elsewhere = new WebhookRegistry({ addresses: loopback, storage: inner })
  const deliveriesOf = async (type = 'order.paid') => (await dispatcher.dispatch(type, {})).deliveries
  return { dispatcher, elsewhere, asked, deliveriesOf }
}

describe('a dispatcher over a storage that checks matches', () => {
  it('asks once who wants the events of a type', async () => {
    const { elsewhere, asked, deliveriesOf } = setUp()
    await elsewhere.create(webhook)
    for (let times = 0; times < 3; times++) expect(await deliveriesOf()).toBe(1)
    expect(asked).toEqual({ match: 1, enqueue: 3 })
    expect(await deliveriesOf('user.created')).toBe(0)
    expect(asked).toEqual({ match: 2, enqueue: 4 })
  })

  it('asks each time where the storage does not check', async () => {
    const { elsewhere, asked, deliveriesOf } = setUp({ checks: false })
    await elsewhere.create(webhook)
    for (let times = 0; times < 3; times++) expect(await deliveriesOf()).toBe(1)
    expect(asked).toEqual({ match: 3, enqueue: 3 })
  })

  it('follows what other processes do to the webhooks', async () => {
    const { elsewhere, deliveriesOf } = setUp()
    expect(await deliveriesOf()).toBe(0)
    const first = await elsewhere.create(webhook)
    expect(await deliveriesOf()).toBe(1)
    const second = await elsewhere.create({ ...webhook, name: 'b', events: ['*'] })
    expect(await deliveriesOf()).toBe(2)
    await elsewhere.update(second.id, { events: ['user.*'] })
    expect(await deliveriesOf()).toBe(1)
    await elsewhere.disable(first.id)
    expect(await deliveriesOf()).toBe(0)
    await elsewhere.enable(first.id)
    expect(await deliveriesOf()).toBe(1)
    await elsewhere.delete(first.id)
    expect(await deliveriesOf()).toBe(0)
  })

  it('writes a batch of several types anew where one of them is stale, each event once', async () => {
    const { dispatcher, elsewhere, asked } = setUp()
    const both = [
      { type: 'order.paid', data: 1 },
      { type: 'user.created', data: 2 },
    ]
    await elsewhere.create(webhook)
    await dispatcher.dispatchMany(both)
    await elsewhere.create({ ...webhook, name: 'b', events: ['user.*'] })
    const results = await dispatcher.dispatchMany(both)
    expect(results.map(({ deliveries, status }) => [deliveries, status])).toEqual([
      [1, 'accepted'],
      [1, 'accepted'],
    ])
    expect(asked).toEqual({ match: 2, enqueue: 3 })
    expect((await dispatcher.listDeliveries()).data).toHaveLength(3)
  })

  it('asks anew where one write is not enough', async () => {
    const { dispatcher, elsewhere, asked, deliveriesOf } = setUp({ maxPendingPerTenant: 10_000 })
    for (let count = 0; count < 50; count++) await elsewhere.create({ ...webhook, name: String(count) })
    expect(await deliveriesOf()).toBe(50)
    await Promise.all(Array.from({ length: 39 }, async () => await dispatcher.dispatch('order.paid', {})))
    expect(asked).toEqual({ match: 1, enqueue: 2 })
    await Promise.all(Array.from({ length: 40 }, async () => await dispatcher.dispatch('order.paid', {})))
    expect(asked).toEqual({ match: 2, enqueue: 4 })
  })

  it('does not go by what a transaction saw', async () => {
    const { dispatcher, elsewhere, asked, deliveriesOf } = setUp({ isTransactional: true })
    await elsewhere.create(webhook)
    await dispatcher.dispatch('order.paid', {}, { tx: {} })
    await deliveriesOf()
    expect(asked.match).toBe(2)
    await dispatcher.dispatch('order.paid', {}, { tx: {} })
    expect(asked.match).toBe(3)
  })

  it('remembers nothing of an answer that is too short', async () => {
    const { dispatcher, asked } = setUp({ shortAnswers: 1 })
    await expect(dispatcher.dispatch('order.paid', {})).rejects.toThrow(/fewer matches/)
    await dispatcher.dispatch('order.paid', {})
    expect(asked.match).toBe(2)
  })

  it('keeps no room for what was stale', async () => {
    const { elsewhere, deliveriesOf } = setUp({ maxPendingPerTenant: 4 })
    const { id } = await elsewhere.create(webhook)
    expect(await deliveriesOf()).toBe(1)
    for (let times = 0; times < 5; times++) {
      await elsewhere.update(id, { events: ['user.*'] })
      expect(await deliveriesOf()).toBe(0)
      await elsewhere.update(id, { events: ['order.*'] })
      await elsewhere.update(id, { events: ['user.*'] })
    }
    await elsewhere.update(id, { events: ['order.*'] })
    for (let count = 2; count <= 4; count++) expect(await deliveriesOf()).toBe(1)
    await expect(deliveriesOf()).rejects.toMatchObject({ code: 'QUEUE_FULL' } satisfies Partial<PosthornError>)
  })

  it('refuses nobody by what is so no more', async () => {
    const { elsewhere, deliveriesOf } = setUp({ maxPendingPerTenant: 1 })
    const { id } = await elsewhere.create(webhook)
    expect(await deliveriesOf()).toBe(1)
    await expect(deliveriesOf()).rejects.toMatchObject({ code: 'QUEUE_FULL' } satisfies Partial<PosthornError>)
    await elsewhere.update(id, { events: ['user.*'] })
    expect(await deliveriesOf()).toBe(0)
  })
})

describe('KnownMatches', () => {
  const query = (type: number) => ({ tenantId: 'acme', patterns: [`type.${type}`] })

  it('keep the answers of a thousand types, and of each up to fifty webhooks', () => {
    const known = new KnownMatches()
    const webhooks = Array.from({ length: 50 }, (_, n) => ({ id: String(n), isActive: true }))
    for (let type = 0; type <= 1_000; type++) known.keep(query(type), webhooks)
    const kept = Array.from({ length: 1_001 }, (_, type) => type).filter((type) => known.of([query(type)]) !== null)
    expect(kept).toHaveLength(1_000)
    expect(kept).toContain(1_000)
    const [first = 0] = kept
    expect(known.of([query(first), query(1_000)])).toEqual([
      { ...query(first), webhooks },
      { ...query(1_000), webhooks },
    ])
    known.keep(query(first), [...webhooks, { id: '50', isActive: true }])
    expect(known.of([query(first)])).toBeNull()
  })

  it('know nothing of a batch that has one unknown type', () => {
    const known = new KnownMatches()
    known.keep(query(1), [])
    expect(known.of([query(1), query(2)])).toBeNull()
    expect(known.of([query(1)])).toHaveLength(1)
  })

  it('tell tenants apart', () => {
    const known = new KnownMatches()
    known.keep(query(1), [])
    expect(known.of([{ ...query(1), tenantId: 'globex' }])).toBeNull()
  })
})

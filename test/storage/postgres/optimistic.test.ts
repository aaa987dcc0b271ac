import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { postgresStorage } from '../../../src/storage/postgres/postgres-storage.ts'
import type { Settlement } from '../../../src/storage/settlement.ts'
import type { Claimed, NewEvent, Storage, StoredWebhook } from '../../../src/storage/storage.ts'
import { newAttempt, newEvent, newId, newWebhook, tenantId } from '../sqlite/rows.ts'
import { clients, createTestDatabase, type TestDatabase } from './test-database.ts'

const claimFor = { limit: 64, leaseMs: 60_000 }

describe.each(clients)('what postgresStorage does without looking first, on $name', ({ isSkipped, connect }) => {
  let database: TestDatabase
  let storage: Storage
  let webhook: StoredWebhook
  let called: string[]
  beforeAll(async () => {
    if (isSkipped) return
    database = await createTestDatabase(connect)
    return database.drop
  })
  beforeEach(async () => {
    if (isSkipped) return
    called = []
    const query = (sql: string, params: readonly (string | number | null)[]) => {
      called.push(/"\.(\w+)_[0-9a-f]{10}\(/.exec(sql)?.[1] ?? sql)
      return database.query(sql, [...params])
    }
    await database.emptyStorage().open()
    storage = postgresStorage({ query }, { schema: database.schema })
    webhook = newWebhook()
    await storage.insertWebhook(webhook)
    called.length = 0
  })

  async function enqueued(events: readonly NewEvent[], limit = 64): Promise<readonly Claimed[]> {
    const { results, claimed } = await storage.enqueue(events, { claimFor: { ...claimFor, limit } })
    expect(results).toEqual(events.map(({ id }) => ({ id, status: 'accepted' })))
    return claimed
  }

  async function deliveriesOf(event: NewEvent, ofTenant = tenantId) {
    return await Promise.all(event.deliveries.map(({ id }) => storage.getDelivery(id, ofTenant)))
  }

  it.skipIf(isSkipped)('leases a batch and ends it in one statement each', async () => {
    const events = [newEvent([webhook]), newEvent([webhook])]
    const claimed = await enqueued(events)
    expect(claimed.map(({ id }) => id)).toEqual(events.map(({ deliveries }) => deliveries[0]?.id))
    expect(claimed[1]).toMatchObject({
      attemptCount: 0,
      attemptsBefore: 0,
      claimCount: 1,
      trigger: 'auto',
      event: { id: events[1]?.id, tenantId, type: 'order.created', body: '{"order":1}', idempotencyKey: null },
      webhook: { id: webhook.id, version: 1 },
    })
    expect(await storage.settle(claimed.map(success))).toEqual(claimed.map(({ id }) => ({ id, state: 'succeeded' })))
    expect(called).toEqual(['enqueue_optimistically', 'settle_optimistically'])
    for (const event of events) {
      const [delivery] = await deliveriesOf(event)
      expect(delivery).toMatchObject({
        state: 'succeeded',
        attemptCount: 1,
        lastStatus: 200,
        dueAt: null,
        reason: null,
      })
      expect(delivery?.finishedAt).toBeInstanceOf(Date)
    }
  })

  it.skipIf(isSkipped)('looks after all where an event is there already', async () => {
    const [first, second] = [newEvent([webhook]), newEvent([webhook])]
    await enqueued([first])
    expect((await enqueued([first, second])).map(({ id }) => id)).toEqual([second.deliveries[0]?.id])
    expect(called).toEqual(['enqueue_optimistically', 'enqueue_optimistically', 'enqueue_claiming'])
  })

  it.skipIf(isSkipped)('refuses a delivery whose id is taken, and writes nothing of its batch', async () => {
    const first = newEvent([webhook])
    await enqueued([first])
    const second = newEvent([webhook], { deliveries: first.deliveries })
    await expect(storage.enqueue([second], { claimFor })).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await storage.getEvent(second.id, tenantId)).toBeNull()
  })

  it.skipIf(isSkipped)('leases no more than the lane has free slots', async () => {
    const narrow = newWebhook({ maxInFlight: 2 })
    await storage.insertWebhook(narrow)
    called.length = 0
    const event = newEvent([narrow, webhook])
    const claimed = await enqueued([event, newEvent([narrow]), newEvent([narrow])])
    expect(claimed.filter(({ webhook: { id } }) => id === narrow.id)).toHaveLength(2)
    expect(claimed).toHaveLength(3)
    expect(await enqueued([newEvent([narrow])])).toEqual([])
    expect(called.every((name) => name === 'enqueue_optimistically')).toBe(true)
    expect(await storage.stats({ webhookId: narrow.id })).toMatchObject({ leased: 2, ready: 2 })
  })

  it.skipIf(isSkipped)('leases nothing of a webhook that is not active or held back', async () => {
    const inactive = newWebhook({ isActive: false })
    await storage.insertWebhook(inactive)
    await storage.gate(webhook.id, 60_000)
    expect(await enqueued([newEvent([webhook, inactive])])).toEqual([])
    expect(await storage.stats({})).toMatchObject({ leased: 0, ready: 2 })
  })

  it.skipIf(isSkipped)('ends a delivery whose webhook is gone or of another tenant', async () => {
    const foreign = newEvent([webhook], { tenantId: 'globex' })
    const event = newEvent([{ id: newId() }, webhook])
    await storage.updateWebhook(webhook.id, tenantId, { maxInFlight: 1 })
    called.length = 0
    const claimed = await enqueued([foreign, event])
    expect(claimed.map(({ id }) => id)).toEqual([event.deliveries[1]?.id])
    expect(called).toEqual(['enqueue_optimistically'])
    const gone = [...(await deliveriesOf(foreign, 'globex')), (await deliveriesOf(event))[0]]
    for (const delivery of gone) expect(delivery).toMatchObject({ state: 'cancelled', reason: 'deleted' })
  })

  it.skipIf(isSkipped)('looks first where something is not to be leased at once', async () => {
    const key = { idempotencyKey: 'key', bodyHash: 'hash', idempotencyTtlMs: 60_000 }
    await enqueued([newEvent([webhook], key)])
    await enqueued([newEvent([webhook], { delayMs: 60_000 })])
    await enqueued([newEvent([webhook]), newEvent([webhook])], 1)
    await enqueued([newEvent([webhook], { deliveries: [{ id: newId(), webhookId: webhook.id, skip: 'filtered' }] })])
    const event = newEvent([webhook])
    await enqueued([event, newEvent([], { id: event.id, tenantId: 'globex' })])
    const claiming = 'enqueue_claiming'
    expect(called).toEqual(['enqueue_keyed_claiming', claiming, claiming, claiming, claiming])
  })

  it.skipIf(isSkipped)('settles of a batch what is still held', async () => {
    const [stale, live] = await enqueued([newEvent([webhook]), newEvent([webhook])])
    if (stale === undefined || live === undefined) throw new Error('nothing was leased')
    const settled = await storage.settle([{ ...success(stale), lease: newId() }, success(live)])
    expect(settled).toEqual([{ id: live.id, state: 'succeeded' }])
    expect(await storage.settle([success(live)])).toEqual([])
    expect(called).toEqual(['enqueue_optimistically', 'settle_optimistically', 'settle_optimistically'])
    expect(await storage.getDelivery(stale.id, tenantId)).toMatchObject({ state: 'pending', attemptCount: 0 })
    expect((await storage.listAttempts({ deliveryId: live.id, tenantId, limit: 10 })).data).toHaveLength(1)
  })

  it.skipIf(isSkipped)('looks after all where an attempt of the batch is recorded already', async () => {
    const [claimed] = await enqueued([newEvent([webhook])])
    if (claimed === undefined) throw new Error('nothing was leased')
    const { id, lease } = claimed
    await storage.settle([{ id, lease, outcome: 'continue', attempt: newAttempt(1), leaseMs: 60_000 }])
    expect(await storage.settle([success(claimed)])).toEqual([{ id, state: 'succeeded' }])
    expect(called.slice(-2)).toEqual(['settle_optimistically', 'settle'])
    expect(await storage.getDelivery(id, tenantId)).toMatchObject({ attemptCount: 1 })
  })

  it.skipIf(isSkipped)('looks first where a batch has anything but successes, or a delivery twice', async () => {
    const [first, second] = await enqueued([newEvent([webhook]), newEvent([webhook])])
    if (first === undefined || second === undefined) throw new Error('nothing was leased')
    const failure: Settlement = { id: second.id, lease: second.lease, outcome: 'failed', reason: 'rejected' }
    expect(await storage.settle([success(first), success(first)])).toHaveLength(1)
    expect(await storage.settle([failure])).toHaveLength(1)
    expect(called).toEqual(['enqueue_optimistically', 'settle', 'settle', 'settle'])
  })
})

function success({ id, lease }: Claimed) {
  return { id, lease, outcome: 'succeeded', attempt: newAttempt(1) } as const
}

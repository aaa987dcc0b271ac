import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { postgresStorage } from '../../../src/storage/postgres/postgres-storage.ts'
import type { Claimed, Storage } from '../../../src/storage/storage.ts'
import { newAttempt, newEvent, newId, newWebhook, tenantId } from '../sqlite/rows.ts'
import { createTestDatabase, noServer, type TestDatabase } from './test-database.ts'

describe.skipIf(noServer)('claims of postgresStorage', { timeout: 60_000 }, () => {
  let database: TestDatabase
  let storage: Storage
  let nowMs: number
  beforeAll(async () => {
    database = await createTestDatabase()
    return database.drop
  })
  beforeEach(async () => {
    nowMs = Date.UTC(2026, 0, 1)
    storage = database.emptyStorage({ clock: () => nowMs })
    await storage.open()
  })

  it('go round more webhooks than one call may probe, and rest after a round without result', async () => {
    const webhooks = await insertAll(storage, 450)
    await storage.enqueue([newEvent(webhooks)])
    for (const { id } of webhooks) await storage.gate(id, 60_000)
    const waits = []
    for (let call = 0; call < 6; call++) waits.push(await storage.claim({ limit: 10, leaseMs: 1 }))
    expect(waits.every(({ claimed }) => claimed.length === 0)).toBe(true)
    // What passes of the process's own time between the calls is taken off.
    const rounded = waits.map(({ nextDueInMs }) => (nextDueInMs === null ? null : Math.ceil(nextDueInMs / 1000)))
    expect(rounded).toEqual([0, 0, 60, 0, 0, 60])

    const open = webhooks[333]?.id ?? ''
    await storage.gate(open, null)
    expect((await claimAll(storage, 4, 10)).map(({ webhook }) => webhook.id)).toEqual([open])
  })

  it('cost one statement where nothing is due', async () => {
    const statements: string[] = []
    const query = (sql: string, params: readonly (string | number | null)[]) => {
      statements.push(sql)
      return database.query(sql, [...params])
    }
    const idle = postgresStorage({ query }, { schema: database.schema })
    await idle.open()
    const [webhook] = await insertAll(idle, 1)
    await idle.enqueue([newEvent([webhook], { delayMs: 60_000 })])
    statements.length = 0
    for (let call = 0; call < 3; call++) {
      const { claimed, nextDueInMs } = await idle.claim({ limit: 10, leaseMs: 60_000 })
      expect(claimed).toEqual([])
      expect(nextDueInMs).toBeGreaterThan(50_000)
      expect(nextDueInMs).toBeLessThanOrEqual(60_000)
    }
    expect(statements).toHaveLength(3)
    expect(await idle.claim({ limit: 10, leaseMs: 60_000, ids: [newId()] })).toMatchObject({ claimed: [] })
    expect(statements).toHaveLength(4)
  })

  it('cancel the backlog of a webhook that is gone in bounded chunks', async () => {
    const [webhook] = await insertAll(storage, 1)
    await storage.enqueue(Array.from({ length: 1200 }, () => newEvent([webhook])))
    await storage.deleteWebhook(webhook.id, tenantId)
    const left = []
    for (let call = 0; call < 3; call++) {
      const { nextDueInMs } = await storage.claim({ limit: 10, leaseMs: 1 })
      left.push([(await storage.stats({})).ready, nextDueInMs])
    }
    expect(left).toEqual([
      [700, 0],
      [200, 0],
      [0, null],
    ])
  })

  it('promote what comes due at once in bounded chunks', async () => {
    const [webhook] = await insertAll(storage, 1, 1)
    await storage.enqueue(Array.from({ length: 3500 }, () => newEvent([webhook], { delayMs: 1000 })))
    nowMs += 1000
    const waits = []
    for (let call = 0; call < 3; call++) {
      waits.push((await storage.claim({ limit: 10, leaseMs: 60_000 })).nextDueInMs)
    }
    expect(waits).toEqual([0, 0, 60_000])
  })

  it('share a limit out evenly, and give what is left to those that have more', async () => {
    const [busy, quiet] = await insertAll(storage, 2)
    await storage.enqueue(Array.from({ length: 100 }, () => newEvent([busy])))
    await storage.enqueue(Array.from({ length: 3 }, () => newEvent([quiet])))
    const { claimed } = await storage.claim({ limit: 10, leaseMs: 60_000 })
    const countOf = (id: string) => claimed.filter(({ webhook }) => webhook.id === id).length
    expect([countOf(busy.id), countOf(quiet.id)]).toEqual([7, 3])
  })

  it('count a lease that ran out until it is promoted, so that reviving it breaks no cap', async () => {
    const [webhook] = await insertAll(storage, 1, 1)
    await storage.enqueue([newEvent([webhook])])
    const [late] = await claimAll(storage, 1, 1)
    nowMs += 60_000
    const claimFor = { limit: 1, leaseMs: 60_000 }
    expect((await storage.enqueue([newEvent([webhook])], { claimFor })).claimed).toEqual([])
    const hold = { id: late?.id ?? '', lease: late?.lease ?? '' }
    const settlement = { ...hold, outcome: 'continue', leaseMs: 60_000, attempt: newAttempt(1) } as const
    expect(await storage.settle([settlement])).toEqual([{ id: hold.id, state: 'pending' }])
    expect(await claimAll(storage, 3, 10)).toEqual([])
    expect(await storage.stats({})).toMatchObject({ leased: 1, ready: 1 })
  })

  it('apply several settlements of one delivery in their order', async () => {
    const [webhook] = await insertAll(storage, 1)
    await storage.enqueue([newEvent([webhook]), newEvent([webhook])])
    const [one, other] = await claimAll(storage, 1, 2)
    if (one === undefined || other === undefined) throw new Error('nothing was claimed')
    const hold = { id: one.id, lease: one.lease }
    const settled = await storage.settle([
      { ...hold, outcome: 'continue', attempt: newAttempt(1), leaseMs: 60_000 },
      { id: other.id, lease: other.lease, outcome: 'succeeded', attempt: newAttempt(1) },
      { ...hold, outcome: 'succeeded', attempt: newAttempt(2) },
      { ...hold, outcome: 'release', retryInMs: 0 },
    ])
    expect(settled).toEqual([
      { id: one.id, state: 'pending' },
      { id: other.id, state: 'succeeded' },
      { id: one.id, state: 'succeeded' },
    ])
    expect((await storage.getDelivery(one.id, tenantId))?.attemptCount).toBe(2)
  })

  it('find what was dated before the last look but committed after it, within seconds', async () => {
    const [webhook] = await insertAll(storage, 1)
    await storage.enqueue([newEvent([webhook])])
    expect(await claimAll(storage, 1, 1)).toHaveLength(1)
    nowMs -= 3_600_000
    await storage.enqueue([newEvent([webhook])])
    nowMs += 3_600_000
    // Looks back no further than before at first, and then as far as it takes, because it found nothing.
    expect((await storage.claim({ limit: 1, leaseMs: 60_000 })).claimed).toHaveLength(1)
    nowMs -= 7_200_000
    await storage.enqueue([newEvent([webhook])])
    nowMs += 7_200_000
    await storage.enqueue([newEvent([webhook])])
    // Found something: it looks no further back, but asks to be asked again soon, and that finds the rest.
    const first = await storage.claim({ limit: 10, leaseMs: 60_000 })
    expect(first.claimed).toHaveLength(1)
    expect(first.nextDueInMs).toBeLessThanOrEqual(5000)
    expect((await storage.claim({ limit: 10, leaseMs: 60_000 })).claimed).toHaveLength(1)
  })

  it('reach 200 healthy webhooks at once beside 20,000 rows due on one that is dead', async () => {
    const dead = newWebhook({ maxInFlight: 10 })
    await storage.insertWebhook(dead)
    for (let batch = 0; batch < 20; batch++) {
      await storage.enqueue(Array.from({ length: 1000 }, () => newEvent([dead])))
    }
    nowMs += 1000
    const healthy = await insertAll(storage, 200, 10)
    for (let round = 0; round < 5; round++) await storage.enqueue([newEvent(healthy)])
    const delivered = new Set<string>()
    let calls = 0
    for (; delivered.size < 1000 && calls < 100; calls++) {
      const { claimed } = await storage.claim({ limit: 64, leaseMs: 3_600_000 })
      const done = claimed.filter(({ webhook }) => webhook.id !== dead.id)
      for (const { id } of done) delivered.add(id)
      await storage.settle(
        done.map(({ id, lease }) => ({ id, lease, outcome: 'succeeded', attempt: newAttempt(1) }) as const),
      )
    }
    expect(delivered.size).toBe(1000)
    // The dead one holds its ten slots, and no more of the calls than that.
    expect(calls).toBeLessThanOrEqual(20)
    expect(await storage.stats({ webhookId: dead.id })).toMatchObject({ leased: 10, ready: 19_990 })
  })
})

async function insertAll(storage: Storage, count: number, maxInFlight = 1000) {
  const webhooks = Array.from({ length: count }, () => newWebhook({ maxInFlight }))
  for (const webhook of webhooks) await storage.insertWebhook(webhook)
  // There are as many as were asked for.
  return webhooks as [(typeof webhooks)[number], (typeof webhooks)[number], ...typeof webhooks]
}

async function claimAll(storage: Storage, calls: number, limit: number): Promise<Claimed[]> {
  const claimed: Claimed[] = []
  for (let call = 0; call < calls; call++) {
    claimed.push(...(await storage.claim({ limit, leaseMs: 60_000 })).claimed)
  }
  return claimed
}

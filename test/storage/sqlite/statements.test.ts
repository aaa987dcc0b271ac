import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, it } from 'vitest'
import type { SqliteDatabase, SqliteStatement } from '../../../src/storage/sqlite/sqlite-database.ts'
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite-storage.ts'
import { newEvent, newWebhook } from './rows.ts'

interface Calls {
  /** Calls into SQLite. */
  count: number
  /** Rows of webhooks that were read with their free slots. */
  webhooksWithSlots: number
}

describe('the statements of sqliteStorage', () => {
  const databases: DatabaseSync[] = []
  afterEach(() => {
    for (const database of databases.splice(0)) database.close()
  })

  const start = async (webhookCount: number) => {
    const database = new DatabaseSync(':memory:')
    databases.push(database)
    const calls: Calls = { count: 0, webhooksWithSlots: 0 }
    const storage = sqliteStorage(counting(database, calls), { clock: () => 0 })
    const webhooks = Array.from({ length: webhookCount }, () => newWebhook())
    for (const webhook of webhooks) await storage.insertWebhook(webhook)
    const during = async <T>(work: Promise<T>) => {
      Object.assign(calls, { count: 0, webhooksWithSlots: 0 })
      return { result: await work, ...calls }
    }
    return { storage, webhooks, during }
  }

  it('of a claim are as many for two hundred webhooks as for two', async () => {
    const counts = []
    for (const number of [2, 200]) {
      const { storage, webhooks, during } = await start(number)
      await storage.enqueue([newEvent(webhooks), newEvent(webhooks)])
      const { result, count } = await during(storage.claim({ limit: number, leaseMs: 1000 }))
      expect(result.claimed).toHaveLength(number)
      expect(result.nextDueInMs).toBe(0)
      counts.push(count)
    }
    expect(counts[1]).toBe(counts[0])
  })

  it('of a claim with one slot free are few where nobody of two hundred webhooks may be sent to', async () => {
    const { storage, webhooks, during } = await start(200)
    await storage.enqueue([newEvent(webhooks)])
    for (const { id } of webhooks) await storage.gate(id, 60_000)
    const { result, count } = await during(storage.claim({ limit: 1, leaseMs: 1000 }))
    expect(result).toEqual({ claimed: [], nextDueInMs: 60_000 })
    expect(count).toBeLessThan(20)
  })

  it('of a claim by ids are as many for two hundred webhooks as for two', async () => {
    const counts = []
    for (const number of [2, 200]) {
      const { storage, webhooks, during } = await start(number)
      const event = newEvent(webhooks)
      await storage.enqueue([event])
      const ids = event.deliveries.map(({ id }) => id)
      const { result, count } = await during(storage.claim({ limit: number, leaseMs: 1000, ids }))
      expect(result.claimed).toHaveLength(number)
      counts.push(count)
    }
    expect(counts[1]).toBe(counts[0])
  })

  it('of an enqueue read a few webhooks with their slots where a few deliveries are to be leased', async () => {
    const { storage, webhooks, during } = await start(1000)
    const claimFor = { limit: 10, leaseMs: 1000 }
    const { result, webhooksWithSlots } = await during(storage.enqueue([newEvent(webhooks)], { claimFor }))
    expect(result.claimed).toHaveLength(10)
    expect(webhooksWithSlots).toBe(10)
    // None of which is free any more, nor was gated: the next ten are read, and no more.
    for (const { id } of webhooks.slice(0, 5)) await storage.gate(id, 60_000)
    const next = await during(storage.enqueue([newEvent(webhooks)], { claimFor }))
    expect(next.result.claimed.map(({ webhook }) => webhook.id)).toEqual(webhooks.slice(5, 15).map(({ id }) => id))
    expect(next.webhooksWithSlots).toBe(15)
  })

  it('of an enqueue tell webhooks that are there from those that are gone, whether something is leased or not', async () => {
    const { storage, webhooks } = await start(3)
    const [first, gone, last] = [webhooks[0], newWebhook(), webhooks[2]]
    const others = newWebhook({ tenantId: 'other' })
    await storage.insertWebhook(others)
    for (const limit of [0, 1, 10]) {
      const event = newEvent([first, gone, others, last].filter((webhook) => webhook !== undefined))
      await storage.enqueue([event], { claimFor: { limit, leaseMs: 1000 } })
      const { data } = await storage.listDeliveries({ tenantId: event.tenantId, eventId: event.id, limit: 10 })
      const reasons = event.deliveries.map(({ id }) => data.find((delivery) => delivery.id === id)?.reason)
      expect(reasons).toEqual([null, 'deleted', 'deleted', null])
    }
  })
})

function counting(database: DatabaseSync, calls: Calls): SqliteDatabase {
  return {
    exec: (sql) => database.exec(sql),
    prepare: (sql) => {
      const statement: SqliteStatement = database.prepare(sql)
      return {
        all: (...values) => {
          const rows = statement.all(...values)
          calls.count++
          if (sql.includes('AS live')) calls.webhooksWithSlots += rows.length
          return rows
        },
        run: (...values) => {
          calls.count++
          return statement.run(...values)
        },
      }
    },
  }
}

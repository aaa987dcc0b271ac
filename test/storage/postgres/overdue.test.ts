import { Pool } from 'pg'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { postgresMigrations } from '../../../src/storage/postgres/migrations.ts'
import { postgresStorage } from '../../../src/storage/postgres/postgres-storage.ts'
import type { Storage } from '../../../src/storage/storage.ts'
import { newEvent, newWebhook } from '../sqlite/rows.ts'
import { serverUrl } from './server.ts'
import { connectPglite, createTestDatabase, noServer, type TestDatabase } from './test-database.ts'

describe.skipIf(noServer)('overdue of postgresStorage', { timeout: 60_000 }, () => {
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

  it('goes round more webhooks than one call may probe, whatever those give that have nothing overdue', async () => {
    const webhooks = await insertAll(storage, 450)
    const [some, rest] = [webhooks.filter((_, n) => n % 45 === 0), webhooks.filter((_, n) => n % 45 !== 0)]
    await storage.enqueue([newEvent(some)])
    nowMs += 1000
    await storage.enqueue([newEvent(rest)])
    const found = new Set<string>()
    const counts = []
    for (let call = 0; call < 4; call++) {
      const ids = await storage.overdue({ limit: 3, byMs: 1000 })
      counts.push(ids.length)
      for (const id of ids) found.add(id)
    }
    // 200 of 450 are probed by one call: three wanted ones among them end it sooner.
    expect(counts).toEqual([3, 3, 3, 3])
    expect(found.size).toBe(10)
  })

  it('costs one statement', async () => {
    const statements: string[] = []
    const query = (sql: string, params: readonly (string | number | null)[]) => {
      statements.push(sql)
      return database.query(sql, [...params])
    }
    const idle = postgresStorage({ query }, { schema: database.schema })
    await idle.open()
    const [webhook] = await insertAll(idle, 1)
    statements.length = 0
    expect(await idle.overdue({ limit: 10, byMs: 0 })).toEqual([])
    await idle.enqueue([newEvent([webhook!])])
    expect(await idle.overdue({ limit: 10, byMs: 0 })).toHaveLength(1)
    expect(statements).toHaveLength(3)
  })

  it('waits for nobody who holds a webhook or a delivery in a transaction', async () => {
    const [webhook] = await insertAll(storage, 1)
    await storage.enqueue([newEvent([webhook!]), newEvent([webhook!])])
    const pool = new Pool({ connectionString: serverUrl, max: 1 })
    const holder = await pool.connect()
    await holder.query('BEGIN')
    for (const table of ['lanes', 'deliveries'])
      await holder.query(`SELECT 1 FROM ${database.schema}.${table} FOR UPDATE`)
    expect(await storage.overdue({ limit: 10, byMs: 0 })).toHaveLength(2)
    await holder.query('ROLLBACK')
    holder.release()
    await pool.end()
  })

  it('looks all the way back, whatever claims have seen', async () => {
    const [webhook] = await insertAll(storage, 1)
    await storage.enqueue([newEvent([webhook!])])
    expect((await storage.claim({ limit: 1, leaseMs: 60_000 })).claimed).toHaveLength(1)
    nowMs -= 3_600_000
    await storage.enqueue([newEvent([webhook!])])
    nowMs += 3_600_000
    expect(await storage.overdue({ limit: 10, byMs: 0 })).toHaveLength(1)
  })

  it('tells claims how far back there is nothing', async () => {
    const [webhook] = await insertAll(storage, 1)
    await storage.enqueue([newEvent([webhook!])])
    expect(await storage.overdue({ limit: 10, byMs: 0 })).toHaveLength(1)
    nowMs -= 3_600_000
    await storage.enqueue([newEvent([webhook!])])
    nowMs += 3_600_000
    // It looks no further back than the search for what is overdue has told, but asks to be asked again soon.
    const { claimed, nextDueInMs } = await storage.claim({ limit: 10, leaseMs: 60_000 })
    expect(claimed).toHaveLength(1)
    expect(nextDueInMs).toBeLessThanOrEqual(5000)
  })

  it('cancels the backlog of a webhook that is gone in bounded chunks', async () => {
    const [webhook] = await insertAll(storage, 1)
    await storage.enqueue(Array.from({ length: 1200 }, () => newEvent([webhook!])))
    await storage.deleteWebhook(webhook!.id, webhook!.tenantId)
    const left = []
    for (let call = 0; call < 3; call++) {
      expect(await storage.overdue({ limit: 10, byMs: 0 })).toEqual([])
      left.push((await storage.stats({})).ready)
    }
    expect(left).toEqual([700, 200, 0])
  })
})

describe('version 4 of the schema', () => {
  it('adds what a database of version 3 has not', async () => {
    const { client, end } = connectPglite()
    const storage = postgresStorage(client)
    for (const { sql } of postgresMigrations().slice(0, 3)) await client.exec(`BEGIN; ${sql} COMMIT;`)
    await expect(storage.open()).rejects.toMatchObject({ code: 'STORAGE_SCHEMA' })
    await storage.migrate()
    expect(await storage.overdue({ limit: 10, byMs: 0 })).toEqual([])
    await end()
  })
})

describe('version 5 of the schema', () => {
  it('adds to a database of version 4 the indexes of what did not succeed', async () => {
    const { client, end } = connectPglite()
    const storage = postgresStorage(client)
    for (const { sql } of postgresMigrations().slice(0, 4)) await client.exec(`BEGIN; ${sql} COMMIT;`)
    await expect(storage.open()).rejects.toMatchObject({ code: 'STORAGE_SCHEMA' })
    await storage.migrate()
    const { rows } = await client.query("SELECT indexname FROM pg_indexes WHERE indexname LIKE '%undelivered%'")
    expect(rows).toHaveLength(2)
    await end()
  })
})

async function insertAll(storage: Storage, count: number) {
  const webhooks = Array.from({ length: count }, () => newWebhook())
  for (const webhook of webhooks) await storage.insertWebhook(webhook)
  return webhooks
}

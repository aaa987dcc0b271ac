import { createServer } from 'node:net'
import { once } from 'node:events'
import { Pool } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { postgresStorage } from '../../../src/storage/postgres/postgres-storage.ts'
import { newEvent, newWebhook, tenantId } from '../sqlite/rows.ts'
import { serverUrl } from './server.ts'
import { createTestDatabase, noServer, type TestDatabase } from './test-database.ts'

describe.skipIf(noServer)('postgresStorage when the database goes away', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
    return database.drop
  })

  it('rejects what was under way, survives idle connections that end, and goes on afterwards', async () => {
    const name = `posthorn_outage_${process.pid}`
    const pool = new Pool({ connectionString: serverUrl, max: 5, application_name: name })
    const storage = postgresStorage(pool, { schema: database.schema })
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${name}'`
    const accepted = new Set<string>()
    const codes = new Set<unknown>()
    for (let round = 0; round < 5; round++) {
      const events = Array.from({ length: 20 }, () => newEvent([webhook]))
      const enqueued = Promise.allSettled(events.map((event) => storage.enqueue([event])))
      await database.query(terminate)
      for (const [index, answer] of (await enqueued).entries()) {
        if (answer.status === 'fulfilled') accepted.add(events[index]?.id ?? '')
        else codes.add(Reflect.get(answer.reason as object, 'code'))
      }
      // Now all that the pool has is idle.
      await storage.stats({})
      await database.query(terminate)
      await expect.poll(() => pool.totalCount).toBe(0)
      expect(await storage.getWebhook(webhook.id, tenantId)).toEqual(webhook)
    }
    expect(accepted.size).toBeGreaterThan(0)
    expect([...codes].filter((code) => code !== 'STORAGE_FAILED')).toEqual([])
    for (const id of accepted) expect(await storage.getEvent(id, tenantId), id).not.toBeNull()
    await pool.end()
  })

  it('rejects with STORAGE_FAILED where nothing answers, and works once something does', async () => {
    const server = createServer((socket) => socket.destroy())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the server has a port')
    const closed = postgresStorage(new Pool({ host: '127.0.0.1', port: address.port }), { schema: database.schema })
    await expect(closed.open()).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    server.close()
    await once(server, 'close')
    const refused = { code: 'STORAGE_FAILED', message: expect.stringContaining('ECONNREFUSED') as string }
    await expect(closed.open()).rejects.toMatchObject(refused)
    await expect(closed.claim({ limit: 1, leaseMs: 1 })).rejects.toMatchObject(refused)

    let isAway = true
    const query = async (sql: string, params: readonly (string | number | null)[]) => {
      if (isAway) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' })
      return await database.query(sql, [...params])
    }
    const storage = postgresStorage({ query }, { schema: database.schema })
    await expect(storage.open()).rejects.toMatchObject(refused)
    isAway = false
    expect(await storage.getEvent(newEvent([]).id, tenantId)).toBeNull()
  })
})

import { createServer } from 'node:net'
import { once } from 'node:events'
import { Pool } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { startSilentProxy } from '../../../chaos/silent-proxy.ts'
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

  it('gives up a statement that is not answered, and frees its connection, with a pool of pg', async () => {
    const { proxy, connectionString } = await proxied()
    const pool = new Pool({ connectionString, max: 2, connectionTimeoutMillis: 200 })
    const storage = postgresStorage(pool, { schema: database.schema, statementTimeoutMs: 200 })
    await Promise.all([storage.stats({}), storage.stats({})])
    proxy.silence()
    const unanswered = {
      code: 'STORAGE_UNAVAILABLE',
      message: expect.stringContaining('200 ms (statementTimeoutMs)') as string,
    }
    // More than the pool has connections: none of them is kept.
    const answers = []
    for (let calls = 0; calls < 2; calls++) {
      answers.push(...(await Promise.allSettled([storage.stats({}), storage.stats({})])))
    }
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'rejected'))
    expect(answers.slice(0, 2)).toMatchObject([{ reason: unanswered }, { reason: unanswered }])
    proxy.speak()
    await expect.poll(() => storage.stats({}).catch(() => null), { timeout: 5000 }).toMatchObject({ waiting: 0 })
    expect(pool.totalCount).toBeLessThanOrEqual(2)
    await pool.end()
    await proxy.close()
  })

  it('closes the idle connections of a pool of pg with the one that did not answer: they may be as silent', async () => {
    const { proxy, connectionString } = await proxied()
    // It would keep silent connections for ever.
    const pool = new Pool({ connectionString, max: 4, idleTimeoutMillis: 0 })
    const storage = postgresStorage(pool, { schema: database.schema, statementTimeoutMs: 2000 })
    await Promise.all(Array.from({ length: 4 }, () => storage.stats({})))
    expect(pool.idleCount).toBe(4)
    proxy.silence()
    await expect(storage.stats({})).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    proxy.speak()
    for (let call = 0; call < 4; call++) expect(await storage.stats({})).toMatchObject({ waiting: 0 })
    await pool.end()
    await proxy.close()
  })

  it('gives up a statement of any client that does not answer, but neither a migration nor a caller’s transaction', async () => {
    const withTimeout = { schema: database.schema, statementTimeoutMs: 100 }
    let isSilent = true
    const query = async (sql: string, params: readonly (string | number | null)[]) => {
      if (isSilent) await new Promise((resolve) => setTimeout(resolve, 150))
      return await database.query(sql, [...params])
    }
    await expect(postgresStorage({ query }, withTimeout).open()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    await postgresStorage({ query }, withTimeout).migrate()
    isSilent = false
    const storage = postgresStorage({ query }, withTimeout)
    await storage.open()
    isSilent = true
    expect((await storage.enqueue([newEvent([])], { tx: { query } })).results).toMatchObject([{ status: 'accepted' }])
    await postgresStorage({ query }, { ...withTimeout, statementTimeoutMs: Infinity }).open()
  })

  it('refuses a statementTimeoutMs that cannot be one', () => {
    const query = async () => []
    for (const statementTimeoutMs of [0, 99, 1.5, 3_600_001, NaN]) {
      expect(() => postgresStorage({ query }, { statementTimeoutMs })).toThrow(RangeError)
    }
    const wrong: object = { statementTimeoutMs: '1000' }
    expect(() => postgresStorage({ query }, wrong)).toThrow('statementTimeoutMs must be a number, not string.')
  })
})

/** A proxy before the server that can go silent. */
async function proxied() {
  const url = new URL(serverUrl)
  const proxy = await startSilentProxy({ host: url.hostname, port: Number(url.port || 5432) })
  url.host = `127.0.0.1:${proxy.port}`
  return { proxy, connectionString: url.href }
}

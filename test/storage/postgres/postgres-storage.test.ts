import { Pool } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { postgresMigrations } from '../../../src/storage/postgres/migrations.ts'
import { postgresStorage } from '../../../src/storage/postgres/postgres-storage.ts'
import { newAttempt, newEvent, newWebhook, tenantId } from '../sqlite/rows.ts'
import { clients, connectPglite, createTestDatabase, type TestDatabase } from './test-database.ts'

describe('postgresStorage', () => {
  it.each([null, undefined, 5, 'postgres://localhost', {}, { query: {} }, { execute: () => undefined }])(
    'refuses %o in place of a client, and says what it takes',
    (client) => {
      const create = () => Reflect.apply(postgresStorage, undefined, [client])
      expect(create).toThrow(TypeError)
      expect(create).toThrow(/Pool of pg, the sql of postgres\.js, a PGlite, or an SqlExecutor/)
    },
  )

  it.each(['', 'Posthorn', 'a"b', 'pg_mine', '1st', 'a'.repeat(64), 5, null])('refuses %o as schema', (schema) => {
    const create = () => Reflect.apply(postgresStorage, undefined, [{ query: () => [] }, { schema }])
    expect(create).toThrow(TypeError)
    expect(create).toThrow(/schema/)
    expect(() => Reflect.apply(postgresMigrations, undefined, [{ schema }])).toThrow(/schema/)
  })

  it('says what it can promise, and does nothing before its first use', () => {
    const storage = postgresStorage({ query: () => Promise.reject(new Error('used')) })
    expect(storage.capabilities).toEqual({
      durability: 'server',
      scope: 'cluster',
      transactions: 'caller',
      checksMatches: true,
    })
  })

  it('tells the code of what the driver threw, and nothing of the statement and its parameters', async () => {
    const thrown = Object.assign(new Error('Failed query: insert … params: secret'), {
      code: '53100',
      params: ['secret'],
    })
    const storage = postgresStorage({ query: () => Promise.reject(thrown) })
    const error: unknown = await storage.open().catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringContaining('53100') as string,
      cause: thrown,
    })
    expect(String(error)).not.toContain('secret')
    expect(thrown).not.toHaveProperty('params')
  })

  it('says to roll back where a transaction has failed that somebody left open on its client', async () => {
    const query = () => Promise.reject(Object.assign(new Error('no'), { code: '25P02' }))
    const failed = { code: 'STORAGE_FAILED', message: expect.stringMatching(/25P02.*Roll it back/) as string }
    await expect(postgresStorage({ query }).open()).rejects.toMatchObject(failed)
  })

  it('refuses a client whose query resolves to no rows', async () => {
    const storage = postgresStorage({ query: () => Promise.resolve({ rows: 5 } as never) })
    await expect(storage.open()).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
  })

  it.each(['40001', '40P01'])('tries again where the database says %s, a bounded number of times', async (code) => {
    let calls = 0
    const query = () => Promise.reject(Object.assign(new Error('no'), { code, calls: ++calls }))
    await expect(postgresStorage({ query }).open()).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    expect(calls).toBe(12)
  })

  it('hears the errors of idle connections of a pool, once for all storages on it', () => {
    const pool = new Pool()
    postgresStorage(pool)
    postgresStorage(pool, { schema: 'other' })
    expect(pool.listenerCount('error')).toBe(1)
    expect(() => pool.emit('error', new Error('terminated'))).not.toThrow()
  })
})

for (const { name, isSkipped, connect } of clients) {
  describe.skipIf(isSkipped)(`postgresStorage on ${name}`, () => {
    let database: TestDatabase
    beforeAll(async () => {
      database = await createTestDatabase(connect)
      return database.drop
    })

    it('refuses to open without tables, creates none, and works once they are there', async () => {
      const schema = `${database.schema}_new`
      const storage = postgresStorage(database.client, { schema })
      const missing = { code: 'STORAGE_SCHEMA', message: expect.stringContaining('storage.migrate()') as string }
      await expect(storage.open()).rejects.toMatchObject(missing)
      await expect(storage.stats({})).rejects.toMatchObject(missing)
      expect(await database.query(`SELECT 1 FROM pg_namespace WHERE nspname = '${schema}'`)).toEqual([])
      await storage.migrate()
      await storage.open()
      await storage.migrate()
      expect(await storage.stats({})).toMatchObject({ ready: 0, waiting: 0, leased: 0 })
      await database.query(`DROP SCHEMA ${schema} CASCADE`)
    })

    it('refuses tables that a newer release wrote, and leaves them alone', async () => {
      const schema = `${database.schema}_newer`
      const storage = postgresStorage(database.client, { schema })
      await storage.migrate()
      await database.query(`UPDATE ${schema}.schema_version SET version = 99`)
      const newer = { code: 'STORAGE_SCHEMA', message: expect.stringMatching(/version 99.*Upgrade posthorn/) as string }
      await expect(storage.open()).rejects.toMatchObject(newer)
      await expect(storage.migrate()).rejects.toMatchObject(newer)
      expect(await database.query(`SELECT version FROM ${schema}.schema_version`)).toEqual([{ version: 99 }])
      await database.query(`DROP SCHEMA ${schema} CASCADE`)
    })

    it('does all of a migration or nothing', async () => {
      const schema = `${database.schema}_half`
      await database.query(`CREATE SCHEMA ${schema}`)
      await database.query(`CREATE TABLE ${schema}.attempts (mine text)`)
      const storage = postgresStorage(database.client, { schema })
      await expect(storage.migrate()).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
      const tables = await database.query(`SELECT tablename AS name FROM pg_tables WHERE schemaname = '${schema}'`)
      expect(tables).toEqual([{ name: 'attempts' }])
      await database.query(`DROP SCHEMA ${schema} CASCADE`)
    })

    it('keeps everything from one opening to the next, and refuses every use in between', async () => {
      const storage = database.emptyStorage()
      await storage.open()
      const webhook = newWebhook({ metadata: { team: 'core' } })
      await storage.insertWebhook(webhook)
      await storage.close()
      const unavailable = { code: 'STORAGE_UNAVAILABLE' }
      await expect(storage.getWebhook(webhook.id, tenantId)).rejects.toMatchObject(unavailable)
      await expect(storage.enqueue([newEvent([])])).rejects.toMatchObject(unavailable)
      await expect(storage.claim({ limit: 1, leaseMs: 1 })).rejects.toMatchObject(unavailable)
      await storage.open()
      expect(await storage.getWebhook(webhook.id, tenantId)).toEqual(webhook)
      expect(await database.storage().getWebhook(webhook.id, tenantId)).toEqual(webhook)
    })

    it.each(['\0', '\ud800', 'a\udc00b', '\udbff'])('refuses %j in every text, naming its path', async (bad) => {
      const storage = database.storage()
      const webhook = newWebhook()
      const refused = (path: string) => ({ code: 'VALIDATION_FAILED', issues: [{ path }] })
      const webhooks = [
        [{ name: bad }, 'name'],
        [{ url: bad }, 'url'],
        [{ sealed: bad }, 'sealed'],
        [{ tenantId: bad }, 'tenantId'],
        [{ events: ['*', bad] }, 'events[1]'],
        [{ metadata: { team: bad } }, 'metadata.team'],
        [{ metadata: { [bad]: 'x' } }, 'metadata'],
      ] as const
      for (const [fields, path] of webhooks) {
        await expect(storage.insertWebhook({ ...webhook, ...fields })).rejects.toMatchObject(refused(path))
      }
      await storage.insertWebhook(webhook)
      const update = storage.updateWebhook(webhook.id, tenantId, { description: bad })
      await expect(update).rejects.toMatchObject(refused('description'))
      const key = { bodyHash: 'hash', idempotencyTtlMs: 1 }
      const events = [
        { body: bad },
        { type: bad },
        { contentType: bad },
        { tenantId: bad },
        { ...key, idempotencyKey: bad },
      ]
      for (const fields of events) {
        const path = `events[1].${Object.keys(fields).at(-1)}`
        const enqueued = storage.enqueue([newEvent([webhook]), newEvent([webhook], fields)])
        await expect(enqueued).rejects.toMatchObject(refused(path))
      }
      const skipped = newEvent([webhook]).deliveries.map((delivery) => ({ ...delivery, skip: bad }))
      const path = 'events[0].deliveries[0].skip'
      await expect(storage.enqueue([newEvent([], { deliveries: skipped })])).rejects.toMatchObject(refused(path))
      await expect(storage.cancel({ tenantId, reason: bad, limit: 1 })).rejects.toMatchObject(refused('reason'))
      await expect(storage.listEvents({ tenantId: bad, limit: 1 })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
      expect((await storage.listEvents({ tenantId, limit: 1 })).data).toEqual([])
    })

    it('keeps an attempt whose answer has such a text, with U+FFFD in its place', async () => {
      const storage = database.emptyStorage()
      await storage.open()
      const webhook = newWebhook()
      await storage.insertWebhook(webhook)
      await storage.enqueue([newEvent([webhook])])
      const { claimed } = await storage.claim({ limit: 1, leaseMs: 60_000 })
      const attempt = { ...newAttempt(1), responseBody: 'a\0b\ud83dc😀', responseHeaders: { 'x-\udc00': '\0' } }
      const settlement = { outcome: 'failed', reason: 'no\0', attempt } as const
      const settled = await storage.settle(claimed.map(({ id, lease }) => ({ id, lease, ...settlement })))
      expect(settled).toMatchObject([{ state: 'failed' }])
      const deliveryId = claimed[0]?.id ?? ''
      expect((await storage.getDelivery(deliveryId, tenantId))?.reason).toBe('no\ufffd')
      expect((await storage.listAttempts({ tenantId, deliveryId, limit: 1 })).data).toMatchObject([
        { responseBody: 'a\ufffdb\ufffdc😀', responseHeaders: { 'x-\ufffd': '\ufffd' } },
      ])
    })

    it('finds nothing under an id that is no UUID, and writes none', async () => {
      const storage = database.storage()
      const id = "x'; DROP TABLE webhooks"
      expect(await storage.getWebhook(id, tenantId)).toBeNull()
      expect(await storage.updateWebhook(id, tenantId, { name: 'x' })).toBeNull()
      expect(await storage.deleteWebhook(id, tenantId)).toBe(false)
      expect(await storage.getEvent(id, tenantId)).toBeNull()
      expect(await storage.getDelivery(id, tenantId)).toBeNull()
      const page = { data: [], nextCursor: null }
      expect(await storage.listAttempts({ tenantId, deliveryId: id, limit: 1 })).toEqual(page)
      expect(await storage.listDeliveries({ tenantId, webhookId: id, limit: 1 })).toEqual(page)
      expect(await storage.listDeliveries({ tenantId, eventId: id, limit: 1 })).toEqual(page)
      expect(await storage.cancel({ tenantId, ids: [id], reason: 'x', limit: 1 })).toEqual({
        count: 0,
        nextCursor: null,
      })
      expect((await storage.claim({ ids: [id], limit: 1, leaseMs: 1 })).claimed).toEqual([])
      expect(await storage.renew([{ id, lease: id }], 1)).toEqual([])
      expect(await storage.stats({ webhookId: id })).toMatchObject({ ready: 0, waiting: 0, leased: 0 })
      await storage.gate(id, 1)
      await expect(storage.insertWebhook(newWebhook({ id }))).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
      const event = newEvent([], { id })
      await expect(storage.enqueue([event])).rejects.toMatchObject({ issues: [{ path: 'events[0].id' }] })
      const delivery = newEvent([{ id }])
      await expect(storage.enqueue([delivery])).rejects.toMatchObject({
        issues: [{ path: 'events[0].deliveries[0].webhookId' }],
      })
    })

    it('needs a fingerprint and a time to live beside an idempotency key', async () => {
      const event = newEvent([], { idempotencyKey: 'key' })
      await expect(database.storage().enqueue([event])).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
    })
  })
}

describe('postgresMigrations', () => {
  it('prints what migrate() runs, for another tool to run', async () => {
    const { client, end } = connectPglite()
    const schema = 'printed'
    const storage = postgresStorage(client, { schema })
    const migrations = postgresMigrations({ schema })
    expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, index) => index + 1))
    for (const { sql } of migrations) await client.exec(`BEGIN; ${sql} COMMIT;`)
    await storage.open()
    await storage.migrate()
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    expect(await storage.getWebhook(webhook.id, tenantId)).toEqual(webhook)
    await end()
  })

  it('begins with the schema posthorn', () => {
    expect(postgresMigrations()[0]?.sql).toContain('CREATE TABLE "posthorn".webhooks')
  })
})

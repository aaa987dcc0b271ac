import { drizzle } from 'drizzle-orm/node-postgres'
import knex from 'knex'
import { Kysely, PostgresDialect } from 'kysely'
import { Client, Pool, type PoolClient } from 'pg'
import postgres from 'postgres'
import { Sequelize } from 'sequelize'
import { DataSource } from 'typeorm'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fromDrizzle } from '../../../src/storage/postgres/executors/drizzle.ts'
import { fromKysely } from '../../../src/storage/postgres/executors/kysely.ts'
import { fromPg } from '../../../src/storage/postgres/executors/pg.ts'
import { fromPglite } from '../../../src/storage/postgres/executors/pglite.ts'
import { postgresStorage } from '../../../src/storage/postgres/postgres-storage.ts'
import type { Storage } from '../../../src/storage/storage.ts'
import { newEvent, newWebhook, tenantId } from '../sqlite/rows.ts'
import { serverUrl } from './server.ts'
import { connectPglite, createTestDatabase, noServer, type TestDatabase } from './test-database.ts'

describe.skipIf(noServer)("postgresStorage in the caller's transaction", () => {
  let database: TestDatabase
  let pool: Pool
  let storage: Storage
  let tx: PoolClient
  beforeAll(async () => {
    database = await createTestDatabase()
    pool = new Pool({ connectionString: serverUrl })
    storage = postgresStorage(pool, { schema: database.schema })
    return async () => {
      await pool.end()
      await database.drop()
    }
  })
  beforeEach(async () => {
    await database.emptyStorage().open()
    tx = await pool.connect()
    await tx.query('BEGIN')
    return () => tx.release(true)
  })
  it('shows what was written once it commits, and not before', async () => {
    const webhook = newWebhook()
    await storage.insertWebhook(webhook, { tx })
    expect(await storage.matchWebhooks([{ tenantId, patterns: ['*'] }], { tx })).toEqual([
      [{ id: webhook.id, isActive: true }],
    ])
    const event = newEvent([webhook])
    const claimFor = { limit: 1, leaseMs: 60_000 }
    // Nobody may deliver what is not committed.
    const enqueued = await storage.enqueue([event], { tx, claimFor })
    expect(enqueued).toEqual({ results: [{ id: event.id, status: 'accepted' }], claimed: [] })
    expect(await storage.getWebhook(webhook.id, tenantId)).toBeNull()
    expect(await storage.getEvent(event.id, tenantId)).toBeNull()
    expect((await storage.claim({ limit: 1, leaseMs: 60_000 })).claimed).toEqual([])
    await tx.query('COMMIT')
    expect(await storage.getWebhook(webhook.id, tenantId)).toEqual(webhook)
    expect((await storage.claim({ limit: 1, leaseMs: 60_000 })).claimed).toMatchObject([{ event: { id: event.id } }])
  })

  it('leaves nothing behind when it is rolled back, not even a key', async () => {
    const key = { idempotencyKey: 'key', bodyHash: 'hash', idempotencyTtlMs: 60_000 }
    const event = newEvent([], key)
    await storage.enqueue([event], { tx })
    await tx.query('ROLLBACK')
    expect(await storage.getEvent(event.id, tenantId)).toBeNull()
    const other = newEvent([], { ...key, bodyHash: 'other' })
    expect((await storage.enqueue([other])).results).toEqual([{ id: other.id, status: 'accepted' }])
  })

  it('leaves nothing behind when the process dies between the statement and the commit', async () => {
    const client = new Client({ connectionString: serverUrl })
    client.on('error', () => undefined)
    await client.connect()
    await client.query('BEGIN')
    const event = newEvent([])
    await storage.enqueue([event], { tx: client })
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    await pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid])
    expect(await storage.getEvent(event.id, tenantId)).toBeNull()
  })

  it('sends two statements, and neither begins, ends nor saves anything', async () => {
    const statements: string[] = []
    const executor = {
      query: async (sql: string, params: readonly (string | number | null)[]) => {
        statements.push(sql)
        return (await tx.query<Record<string, unknown>>(sql, [...params])).rows
      },
    }
    const [webhooks = []] = await storage.matchWebhooks([{ tenantId, patterns: ['*'] }], { tx: executor })
    await storage.enqueue([newEvent(webhooks)], { tx: executor })
    expect(statements).toHaveLength(2)
    for (const sql of statements) expect(sql).not.toMatch(/\b(BEGIN|COMMIT|ROLLBACK|SAVEPOINT)\b/)
  })

  it('lets another dispatch to the same webhook through while it is open, and claims too', async () => {
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    await storage.enqueue([newEvent([webhook])], { tx })
    const other = await pool.connect()
    // A lock that had to be waited for would be an error here.
    await other.query(`BEGIN; SET LOCAL lock_timeout = '100ms'`)
    await storage.enqueue([newEvent([webhook])], { tx: other })
    await other.query('COMMIT')
    other.release()
    const claimFor = { limit: 1, leaseMs: 60_000 }
    expect((await storage.enqueue([newEvent([webhook])], { claimFor })).claimed).toHaveLength(1)
    expect((await storage.claim({ limit: 10, leaseMs: 60_000 })).claimed).toHaveLength(1)
    await tx.query('COMMIT')
    expect((await storage.claim({ limit: 10, leaseMs: 60_000 })).claimed).toHaveLength(1)
  })

  it('leaves a webhook that another claim has in hand to the next one, and waits for nothing', async () => {
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    await storage.enqueue([newEvent([webhook])])
    await tx.query(`SELECT 1 FROM ${database.schema}.lanes FOR UPDATE`)
    const impatient = new Pool({ connectionString: serverUrl, options: '-c lock_timeout=200' })
    const other = postgresStorage(impatient, { schema: database.schema })
    const claim = { limit: 10, leaseMs: 60_000 }
    expect((await other.enqueue([newEvent([webhook])], { claimFor: claim })).claimed).toEqual([])
    expect(await other.claim(claim)).toEqual({ claimed: [], nextDueInMs: 0 })
    await tx.query('COMMIT')
    expect((await other.claim(claim)).claimed).toHaveLength(2)
    await impatient.end()
  })

  it.each([
    ['COMMIT', 'duplicate'],
    ['ROLLBACK', 'accepted'],
  ])('makes a second event with its key wait for its %s, and then answers %s', async (end, status) => {
    const key = { idempotencyKey: 'key', bodyHash: 'hash', idempotencyTtlMs: 60_000 }
    const [first, second] = [newEvent([], key), newEvent([], key)]
    await storage.enqueue([first], { tx })
    const answer = storage.enqueue([second])
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%${database.schema}%'`
    await expect.poll(async () => (await pool.query(waiting)).rowCount).toBe(1)
    await tx.query(end)
    expect((await answer).results).toEqual([{ id: end === 'COMMIT' ? first.id : second.id, status }])
  })

  it('reports what the caller did to it before', async () => {
    await expect(tx.query('SELECT wrong')).rejects.toThrow('wrong')
    const failed = { code: 'STORAGE_FAILED', message: expect.stringContaining('25P02') as string }
    await expect(storage.enqueue([newEvent([])], { tx })).rejects.toMatchObject(failed)
  })

  // It said that every operation may be repeated, which in a transaction that has failed nothing may.
  it('says to roll back and begin again where it failed before, and where a statement makes it fail', async () => {
    await tx.query('SELECT wrong').catch(() => undefined)
    expect(await failureIn(tx)).toMatch(/25P02; see cause\)\. The transaction .*Roll it back and begin again/)
    await tx.query(`ROLLBACK; BEGIN; SET LOCAL lock_timeout = '50ms'`)
    const blocker = await pool.connect()
    await blocker.query(`BEGIN; LOCK TABLE ${database.schema}.events`)
    const blocked = await failureIn(tx)
    blocker.release(true)
    expect(blocked).toMatch(/55P03; see cause\)\. The transaction .*Roll it back and begin again/)
  })

  async function failureIn(failing: PoolClient): Promise<string> {
    const error: unknown = await storage.enqueue([newEvent([])], { tx: failing }).catch((caught: unknown) => caught)
    return String(error)
  }

  it('takes the transactions of postgres.js', async () => {
    const sql = postgres(serverUrl)
    const other = postgresStorage(sql, { schema: database.schema })
    const [kept, lost] = [newEvent([]), newEvent([])]
    await sql.begin((begun) => other.enqueue([kept], { tx: begun }))
    const rolledBack = sql.begin(async (begun) => {
      await other.enqueue([lost], { tx: begun })
      throw new Error('no')
    })
    await expect(rolledBack).rejects.toThrow('no')
    expect((await other.listEvents({ tenantId, limit: 10 })).data.map(({ id }) => id)).toEqual([kept.id])
    await expect(other.enqueue([lost], { tx: sql })).rejects.toMatchObject({ code: 'TRANSACTIONS_UNSUPPORTED' })
    await sql.end()
  })

  it.each([{}, 'BEGIN', null, 5])('refuses %o as a transaction', async (wrong) => {
    const refused = { code: 'TRANSACTIONS_UNSUPPORTED' }
    await expect(storage.enqueue([newEvent([])], { tx: wrong })).rejects.toMatchObject(refused)
    await expect(storage.insertWebhook(newWebhook(), { tx: pool })).rejects.toMatchObject(refused)
  })

  // What was written this way was committed at once, whatever became of the caller's transaction.
  it.each<[string, (pool: Pool) => unknown]>([
    ['a pool in fromPg', fromPg],
    ['a database of Kysely', (all) => fromKysely(new Kysely({ dialect: new PostgresDialect({ pool: all }) }))],
    ['a database of Drizzle', (all) => fromDrizzle(drizzle(all))],
  ])('refuses %s, and writes nothing', async (_, wrap) => {
    const event = newEvent([])
    const refused = {
      code: 'TRANSACTIONS_UNSUPPORTED',
      message: expect.stringMatching(/^tx is a pool.*: pass/) as string,
    }
    await expect(storage.enqueue([event], { tx: wrap(pool) })).rejects.toMatchObject(refused)
    expect(await storage.getEvent(event.id, tenantId)).toBeNull()
  })

  it('refuses a client of pg on which no transaction is open, wrapped or not, until one is', async () => {
    await tx.query('ROLLBACK')
    const event = newEvent([])
    const wrapped = fromPg(tx)
    const refused = { code: 'TRANSACTIONS_UNSUPPORTED', message: expect.stringContaining('begin one') as string }
    await expect(storage.enqueue([event], { tx })).rejects.toMatchObject(refused)
    await expect(storage.enqueue([event], { tx: wrapped })).rejects.toMatchObject(refused)
    expect(await storage.getEvent(event.id, tenantId)).toBeNull()
    await tx.query('BEGIN')
    await storage.enqueue([event], { tx: wrapped })
    await tx.query('COMMIT')
    expect(await storage.getEvent(event.id, tenantId)).not.toBeNull()
  })

  it('takes a client that does not tell whether a transaction is open on it', async () => {
    const event = newEvent([])
    await storage.enqueue([event], { tx: { query: (sql: string, params: unknown[]) => tx.query(sql, params) } })
    expect(await storage.getEvent(event.id, tenantId)).toBeNull()
  })

  it("takes TypeORM's own handles where a transaction is open on them, and no others", async () => {
    const source = await new DataSource({ type: 'postgres', url: serverUrl }).initialize()
    const [kept, lost] = [newEvent([]), newEvent([])]
    await source.transaction((manager) => storage.enqueue([kept], { tx: manager }))
    expect(await storage.getEvent(kept.id, tenantId)).not.toBeNull()
    const runner = source.createQueryRunner()
    for (const outside of [source, source.manager, runner, runner.manager]) {
      const refused = { code: 'TRANSACTIONS_UNSUPPORTED' }
      await expect(storage.enqueue([lost], { tx: outside })).rejects.toMatchObject(refused)
    }
    await runner.startTransaction()
    await storage.enqueue([lost], { tx: runner })
    await runner.rollbackTransaction()
    await runner.release()
    expect(await storage.getEvent(lost.id, tenantId)).toBeNull()
    await source.destroy()
  })

  const orms: readonly [string, (use: (bare: unknown) => Promise<void>) => Promise<void>][] = [
    [
      'fromKysely(trx)',
      async (use) => {
        const db = new Kysely({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: serverUrl }) }) })
        await db.transaction().execute(use)
        await db.destroy()
      },
    ],
    ['fromDrizzle(tx)', (use) => drizzle(pool).transaction(use)],
    [
      'fromKnex(trx)',
      async (use) => {
        const db = knex({ client: 'pg', connection: serverUrl })
        await db.transaction(use)
        await db.destroy()
      },
    ],
    [
      'fromSequelize(sequelize, transaction)',
      async (use) => {
        const sequelize = new Sequelize(serverUrl, { logging: false })
        await use(sequelize)
        await sequelize.transaction(use)
        await sequelize.close()
      },
    ],
    ['fromPrisma(tx)', (use) => use({ $queryRawUnsafe: () => undefined })],
  ]

  it.each(orms)('says that the own handle of an ORM is to be passed as %s', async (wrapped, withBare) => {
    const refused = { code: 'TRANSACTIONS_UNSUPPORTED', message: expect.stringContaining(wrapped) as string }
    await withBare((bare) => expect(storage.enqueue([newEvent([])], { tx: bare })).rejects.toMatchObject(refused))
  })
})

describe("postgresStorage on PGlite in the caller's transaction", () => {
  it('shows what was written once it commits', async () => {
    const { client, end } = connectPglite()
    const storage = postgresStorage(client)
    await storage.migrate()
    await storage.open()
    const [kept, lost] = [newEvent([]), newEvent([])]
    await client.transaction((tx) => storage.enqueue([kept], { tx }))
    await client.transaction(async (tx) => {
      await storage.enqueue([lost], { tx })
      await tx.rollback()
    })
    expect((await storage.listEvents({ tenantId, limit: 10 })).data.map(({ id }) => id)).toEqual([kept.id])
    await end()
  })

  it('refuses it where no transaction is open on it, wrapped or not', async () => {
    const { client, end } = connectPglite()
    const storage = postgresStorage(client)
    await storage.migrate()
    const refused = { code: 'TRANSACTIONS_UNSUPPORTED', message: expect.stringContaining('begin one') as string }
    for (const tx of [client, fromPglite(client)]) {
      const event = newEvent([])
      await expect(storage.enqueue([event], { tx })).rejects.toMatchObject(refused)
      await client.query('BEGIN')
      await storage.enqueue([event], { tx })
      await client.query('ROLLBACK')
      expect(await storage.getEvent(event.id, tenantId)).toBeNull()
    }
    await end()
  })
})

import { Pool, type PoolClient } from 'pg'
import { EventDispatcher, WebhookRegistry } from 'posthorn'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { postgresStorage } from '../../../src/storage/postgres/postgres-storage.ts'
import { serverUrl } from './server.ts'
import { createTestDatabase, noServer, type TestDatabase } from './test-database.ts'

// A dispatch that asked the pool for a second connection here waited for ever: for the schema check of its first use, and every ten
// seconds for the count of what is pending.
describe.skipIf(noServer)('EventDispatcher in a transaction on the last connection of its pool', () => {
  let database: TestDatabase
  let pool: Pool
  let tx: PoolClient
  beforeAll(async () => {
    database = await createTestDatabase()
    return database.drop
  })
  beforeEach(async () => {
    await database.emptyStorage().open()
    pool = new Pool({ connectionString: serverUrl, max: 1 })
    tx = await pool.connect()
    await tx.query('BEGIN')
    return async () => await pool.end()
  })

  function setUp(schema: string, maxPendingPerTenant = 100_000) {
    const registry = new WebhookRegistry({ storage: postgresStorage(pool, { schema }) })
    return { registry, dispatcher: new EventDispatcher({ registry, maxPendingPerTenant }) }
  }

  it('needs no other one, not even for its first dispatch', async () => {
    const { registry, dispatcher } = setUp(database.schema)
    await registry.create({ name: 'a', url: 'https://example.com/', events: ['*'] }, { tx })
    expect(await dispatcher.dispatch('some.type', {}, { tx })).toMatchObject({ deliveries: 1 })
    expect(await dispatcher.dispatchMany([{ type: 'some.type', data: {} }], { tx })).toMatchObject([{ deliveries: 1 }])
    await tx.query('COMMIT')
    tx.release()
    expect((await dispatcher.listDeliveries()).data).toHaveLength(2)
  })

  it('leaves the transaction usable where the tables are missing', async () => {
    const { dispatcher } = setUp(`${database.schema}_missing`)
    await expect(dispatcher.dispatch('some.type', {}, { tx })).rejects.toMatchObject({ code: 'STORAGE_SCHEMA' })
    expect((await tx.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    tx.release()
  })

  it('counts what is pending beside the transactions, and refuses the next one', async () => {
    const { registry, dispatcher } = setUp(database.schema, 2)
    await registry.create({ name: 'a', url: 'https://example.com/', events: ['*'] }, { tx })
    for (let n = 0; n < 2; n++) await dispatcher.dispatch('some.type', {}, { tx })
    await tx.query('COMMIT')
    tx.release()
    // Once the count has found a connection.
    const full = { code: 'QUEUE_FULL' }
    await expect
      .poll(async () => await dispatchAndRollBack(dispatcher).catch((error: unknown) => error))
      .toMatchObject(full)
  })

  async function dispatchAndRollBack(dispatcher: EventDispatcher): Promise<void> {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      await dispatcher.dispatch('some.type', {}, { tx: client })
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
  }
})

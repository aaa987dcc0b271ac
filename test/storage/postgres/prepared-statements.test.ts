import { Pool } from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresStorage } from 'posthorn/postgres'
import { newWebhook, tenantId } from '../sqlite/rows.ts'
import { serverUrl } from './server.ts'
import { createTestDatabase, noServer, type TestDatabase } from './test-database.ts'

const looks = 8

describe.skipIf(noServer)('prepared statements', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
    await database.storage().insertWebhook(newWebhook())
  })
  afterAll(() => database.drop())

  const prepared = 'SELECT count(*)::int AS count FROM pg_prepared_statements WHERE statement LIKE $1'

  async function look(storage: ReturnType<typeof postgresStorage>) {
    for (let n = 0; n < looks; n++) {
      const [matches] = await storage.matchWebhooks([{ tenantId, patterns: ['*'] }])
      expect(matches).toHaveLength(1)
    }
  }

  it('are made by a pool of pg of what is sent often', async () => {
    const pool = new Pool({ connectionString: serverUrl, max: 1 })
    try {
      await look(postgresStorage(pool, { schema: database.schema, prepare: true }))
      expect((await pool.query(prepared, [`%${database.schema}%`])).rows).toEqual([{ count: 1 }])
    } finally {
      await pool.end()
    }
  })

  it('are made by postgres.js too', async () => {
    const sql = postgres(serverUrl, { max: 1, onnotice: () => undefined })
    try {
      await look(postgresStorage(sql, { schema: database.schema, prepare: true }))
      expect([...(await sql.unsafe(prepared, [`%${database.schema}%`]))]).toEqual([{ count: 1 }])
    } finally {
      await sql.end()
    }
  })

  it('are not made unless asked for', async () => {
    const pool = new Pool({ connectionString: serverUrl, max: 1 })
    try {
      await look(postgresStorage(pool, { schema: database.schema }))
      expect((await pool.query(prepared, [`%${database.schema}%`])).rows).toEqual([{ count: 0 }])
    } finally {
      await pool.end()
    }
  })

  // As PgBouncer before 1.21 does in transaction mode: the connection has forgotten, and pg does not know it.
  it('are given up behind a pooler that does not keep them', async () => {
    const pool = new Pool({ connectionString: serverUrl, max: 1 })
    try {
      const storage = postgresStorage(pool, { schema: database.schema, prepare: true })
      await look(storage)
      await pool.query('DEALLOCATE ALL')
      await look(storage)
      expect((await pool.query(prepared, [`%${database.schema}%`])).rows).toEqual([{ count: 0 }])
    } finally {
      await pool.end()
    }
  })

  it('refuses a prepare that is neither true nor false', () => {
    const pool = { query: async () => ({ rows: [] }) }
    expect(() => postgresStorage(pool, { prepare: 1 as never })).toThrow(
      new TypeError('prepare must be true or false, not 1.'),
    )
  })
})

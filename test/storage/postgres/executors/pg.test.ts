import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { fromPg } from '../../../../src/storage/postgres/executors/pg.ts'
import { testExecutor } from './executor-cases.ts'
import { wrong } from './wrong-handle.ts'

await testExecutor('fromPg', 'server', async (url) => {
  const pool = new pg.Pool({ connectionString: url })
  return {
    outside: fromPg(pool),
    close: () => pool.end(),
    async transaction(work) {
      const client = await pool.connect()
      try {
        await client.query('BEGIN')
        const result = await work(fromPg(client))
        await client.query('COMMIT')
        return result
      } catch (error) {
        await client.query('ROLLBACK')
        throw error
      } finally {
        client.release()
      }
    },
  }
})

describe('fromPg', () => {
  it('refuses what is no client of pg', async () => {
    expect(() => fromPg(wrong(null))).toThrow(
      new TypeError('fromPg takes a Client, PoolClient or Pool of pg, not null.'),
    )
    expect(() => fromPg(wrong({ unsafe: () => [] }))).toThrow(TypeError)
  })

  it('refuses the answer of another client', async () => {
    const sequelize = { query: async () => [[], {}] }
    await expect(fromPg(wrong(sequelize)).query('SELECT 1', [])).rejects.toThrow(
      /fromPg takes a Client, PoolClient or Pool of pg;/,
    )
  })
})

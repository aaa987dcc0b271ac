import knex from 'knex'
import { describe, expect, it } from 'vitest'
import { fromKnex } from '../../../../src/storage/postgres/executors/knex.ts'
import { testExecutor } from './executor-cases.ts'
import { wrong } from './wrong-handle.ts'

await testExecutor('fromKnex', 'server', async (url) => {
  const db = knex({ client: 'pg', connection: url })
  return {
    outside: fromKnex(db),
    transaction: (work) => db.transaction((trx) => work(fromKnex(trx))),
    close: () => db.destroy(),
  }
})

describe('fromKnex', () => {
  it('refuses what is no handle of Knex', () => {
    const message = 'fromKnex takes a trx or knex of Knex on Postgres, not object.'
    expect(() => fromKnex(wrong({ query: () => [] }))).toThrow(new TypeError(message))
  })

  it('refuses SQL that Knex would change', async () => {
    const db = knex({ client: 'pg' })
    await expect(fromKnex(db).query(String.raw`SELECT 'a\?b'`, [])).rejects.toThrow('bind it')
  })

  it('refuses a placeholder without a value', async () => {
    const db = knex({ client: 'pg' })
    await expect(fromKnex(db).query('SELECT $2', ['x'])).rejects.toThrow(
      'The statement has $2, but 1 parameters were given.',
    )
  })
})

import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { fromKysely } from '../../../../src/storage/postgres/executors/kysely.ts'
import { testExecutor } from './executor-cases.ts'
import { wrong } from './wrong-handle.ts'

// With the plug-in, which renames the columns of every row that it gets to see.
await testExecutor('fromKysely', 'server', async (url) => {
  const dialect = new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) })
  const db = new Kysely<Record<string, never>>({ dialect, plugins: [new CamelCasePlugin()] })
  return {
    outside: fromKysely(db),
    transaction: (work) => db.transaction().execute((trx) => work(fromKysely(trx))),
    close: () => db.destroy(),
  }
})

describe('fromKysely', () => {
  it('refuses what is no handle of Kysely', () => {
    const message = 'fromKysely takes a Transaction or Kysely of Kysely on Postgres, not object.'
    expect(() => fromKysely(wrong({ query: () => [] }))).toThrow(new TypeError(message))
  })
})

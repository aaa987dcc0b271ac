import { PGlite } from '@electric-sql/pglite'
import { drizzle as drizzleOnPg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzleOnPglite } from 'drizzle-orm/pglite'
import { drizzle as drizzleOnPostgresJs } from 'drizzle-orm/postgres-js'
import pg from 'pg'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { fromDrizzle } from '../../../../src/storage/postgres/executors/drizzle.ts'
import { testExecutor } from './executor-cases.ts'
import { wrong } from './wrong-handle.ts'

await testExecutor('fromDrizzle on node-postgres', 'server', async (url) => {
  const pool = new pg.Pool({ connectionString: url })
  const db = drizzleOnPg(pool)
  return {
    outside: fromDrizzle(db),
    transaction: (work) => db.transaction((tx) => work(fromDrizzle(tx))),
    close: () => pool.end(),
  }
})

await testExecutor('fromDrizzle on postgres.js', 'server', async (url) => {
  const sql = postgres(url, { max: 2 })
  const db = drizzleOnPostgresJs(sql)
  return {
    outside: fromDrizzle(db),
    transaction: (work) => db.transaction((tx) => work(fromDrizzle(tx))),
    close: () => sql.end(),
  }
})

await testExecutor('fromDrizzle on PGlite', 'embedded', async () => {
  const pglite = await PGlite.create()
  const db = drizzleOnPglite(pglite)
  return {
    outside: fromDrizzle(db),
    transaction: (work) => db.transaction((tx) => work(fromDrizzle(tx))),
    close: () => pglite.close(),
  }
})

describe('fromDrizzle', () => {
  it('refuses what is no handle of Drizzle', () => {
    const message = 'fromDrizzle takes the tx of db.transaction(), or a db, of Drizzle on Postgres, not object.'
    expect(() => fromDrizzle(wrong({ query: {} }))).toThrow(new TypeError(message))
  })
})

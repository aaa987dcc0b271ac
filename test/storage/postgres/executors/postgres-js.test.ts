import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { fromPostgresJs } from '../../../../src/storage/postgres/executors/postgres-js.ts'
import type { SqlExecutor } from '../../../../src/storage/sql-executor.ts'
import { testExecutor } from './executor-cases.ts'
import { wrong } from './wrong-handle.ts'

await testExecutor('fromPostgresJs', 'server', async (url) => {
  const sql = postgres(url, { max: 2 })
  return { outside: fromPostgresJs(sql), transaction: (work) => inTransaction(sql, work), close: () => sql.end() }
})

describe('fromPostgresJs', () => {
  it('refuses what is no sql of postgres.js', () => {
    const message = 'fromPostgresJs takes the sql of postgres.js or of its begin(), not undefined.'
    expect(() => fromPostgresJs(wrong(undefined))).toThrow(new TypeError(message))
    expect(() => fromPostgresJs(wrong({ query: () => [] }))).toThrow(TypeError)
  })
})

async function inTransaction<Result>(
  sql: postgres.Sql,
  work: (executor: SqlExecutor) => Promise<Result>,
): Promise<Result> {
  const [result] = await sql.begin(async (tx) => [await work(fromPostgresJs(tx))] as const)
  return result as Result
}

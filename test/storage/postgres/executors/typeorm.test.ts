import { DataSource } from 'typeorm'
import { describe, expect, it } from 'vitest'
import { fromTypeOrm } from '../../../../src/storage/postgres/executors/typeorm.ts'
import type { SqlExecutor } from '../../../../src/storage/sql-executor.ts'
import { testExecutor } from './executor-cases.ts'
import { wrong } from './wrong-handle.ts'

await testExecutor('fromTypeOrm with an EntityManager', 'server', async (url) => {
  const source = await new DataSource({ type: 'postgres', url }).initialize()
  return {
    outside: fromTypeOrm(source),
    transaction: (work) => source.transaction((manager) => work(fromTypeOrm(manager))),
    close: () => source.destroy(),
  }
})

await testExecutor('fromTypeOrm with a QueryRunner', 'server', async (url) => {
  const source = await new DataSource({ type: 'postgres', url }).initialize()
  return {
    outside: fromTypeOrm(source.manager),
    transaction: (work) => onQueryRunner(source, work),
    close: () => source.destroy(),
  }
})

describe('fromTypeOrm', () => {
  it('refuses what is no handle of TypeORM', () => {
    const message = 'fromTypeOrm takes an EntityManager, QueryRunner or DataSource of TypeORM on Postgres, not object.'
    expect(() => fromTypeOrm(wrong({ raw: () => [] }))).toThrow(new TypeError(message))
  })

  it('refuses the answer of another client', async () => {
    const pool = { query: async () => ({ rows: [] }) }
    await expect(fromTypeOrm(wrong(pool)).query('SELECT 1', [])).rejects.toThrow(
      /fromTypeOrm takes .*resolved to no rows/,
    )
  })
})

async function onQueryRunner<Result>(
  source: DataSource,
  work: (executor: SqlExecutor) => Promise<Result>,
): Promise<Result> {
  const runner = source.createQueryRunner()
  await runner.startTransaction()
  try {
    const result = await work(fromTypeOrm(runner))
    await runner.commitTransaction()
    return result
  } catch (error) {
    await runner.rollbackTransaction()
    throw error
  } finally {
    await runner.release()
  }
}

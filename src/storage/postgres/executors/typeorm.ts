import type { SqlExecutor, SqlParameter } from '../../sql-executor.ts'
import { executor } from './executor.ts'

/** What is used of an `EntityManager`, `QueryRunner` or `DataSource` of TypeORM's. */
export interface TypeOrmHandle {
  /** Runs a statement and resolves to its rows; to them and their number where it updates or deletes. */
  query(sql: string, params: SqlParameter[]): Promise<unknown>
}

/**
 * Wraps the `EntityManager` of TypeORM's `transaction()`, or a `QueryRunner` that has started one; or a `DataSource` for work outside
 * of a transaction.
 *
 * @throws TypeError where it has no `query` method.
 */
export function fromTypeOrm(manager: TypeOrmHandle): SqlExecutor {
  return executor({
    handle: manager,
    method: 'query',
    expected: 'fromTypeOrm takes an EntityManager, QueryRunner or DataSource of TypeORM on Postgres',
    isPool: () => runnerOf(manager) === undefined,
    client: () => runnerOf(manager),
    run: async (sql, params) => rowsIn(await manager.query(sql, params)),
  })
}

/** What holds one connection: a query runner, or that of the manager which a transaction gives. */
function runnerOf(manager: TypeOrmHandle): unknown {
  if ('isTransactionActive' in manager) return manager
  return 'queryRunner' in manager ? manager.queryRunner : undefined
}

/** An UPDATE or DELETE gives `[rows, count]`. No row is an array itself. */
function rowsIn(result: unknown): unknown {
  return Array.isArray(result) && Array.isArray(result[0]) ? result[0] : result
}

import type { SqlExecutor, SqlParameter } from '../../sql-executor.ts'
import { executor } from './executor.ts'

/** What is used of a transaction or database of Drizzle's, on node-postgres, postgres.js or PGlite. */
export interface DrizzleHandle {
  /** Runs what `getSQL()` of the query makes, and resolves as the driver does: to rows, or to an object with them. */
  execute(query: unknown): PromiseLike<unknown>
}

/**
 * Wraps the `tx` of Drizzle's `db.transaction()`, or a `db` for work outside of a transaction. Its driver may be node-postgres,
 * postgres.js or PGlite.
 *
 * @throws TypeError where it has no `execute` method.
 */
export function fromDrizzle(tx: DrizzleHandle): SqlExecutor {
  return executor({
    handle: tx,
    method: 'execute',
    expected: 'fromDrizzle takes the tx of db.transaction(), or a db, of Drizzle on Postgres',
    isPool: () => !('rollback' in tx),
    client: () => ('$client' in tx ? tx.$client : undefined),
    run: async (sql, params) => rowsIn(await tx.execute(wrapper(sql, params))),
  })
}

/** Drizzle's `SQLWrapper`, whose SQL is text with `$n` already: its own `sql` would have it taken apart and written again. */
function wrapper(sql: string, params: readonly SqlParameter[]): unknown {
  return { getSQL: () => ({ toQuery: () => ({ sql, params }) }) }
}

function rowsIn(result: unknown): unknown {
  return typeof result === 'object' && result !== null && 'rows' in result ? result.rows : result
}

import type { SqlExecutor } from '../../sql-executor.ts'
import type { PostgresJs } from '../postgres-client.ts'
import { executor } from './executor.ts'

/**
 * Wraps the `sql` of postgres.js, or the one that `sql.begin()` gives, for a call inside its transaction.
 *
 * @throws TypeError where it has no `unsafe` method.
 */
export function fromPostgresJs(sql: PostgresJs): SqlExecutor {
  return executor({
    handle: sql,
    method: 'unsafe',
    expected: 'fromPostgresJs takes the sql of postgres.js or of its begin()',
    // A reserved connection, which has release(), may have a transaction open.
    isPool: () => 'begin' in sql && !('release' in sql),
    run: (statement, params) => sql.unsafe(statement, params),
  })
}

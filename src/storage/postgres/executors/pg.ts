import type { SqlExecutor } from '../../sql-executor.ts'
import type { PgQueryable } from '../postgres-client.ts'
import { executor } from './executor.ts'

/**
 * Wraps a `Client`, a `PoolClient` or a `Pool` of pg. For a call inside a transaction it must be the client on which the transaction
 * is open: a `Pool` runs each statement on any of its connections.
 *
 * @throws TypeError where it has no `query` method.
 */
export function fromPg(client: PgQueryable): SqlExecutor {
  return executor({
    handle: client,
    method: 'query',
    expected: 'fromPg takes a Client, PoolClient or Pool of pg',
    isPool: () => 'totalCount' in client,
    client: () => client,
    run: async (sql, params) => (await client.query(sql, params)).rows,
  })
}

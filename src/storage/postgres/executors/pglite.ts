import type { SqlExecutor } from '../../sql-executor.ts'
import type { PgQueryable } from '../postgres-client.ts'
import { executor } from './executor.ts'

/**
 * Wraps a PGlite or the `tx` of its `transaction()`. While such a transaction is open, PGlite makes every other call wait until it
 * ends: inside of it, use nothing that is not given the `tx`.
 *
 * @throws TypeError where it has no `query` method.
 */
export function fromPglite(pglite: PgQueryable): SqlExecutor {
  return executor({
    handle: pglite,
    method: 'query',
    expected: 'fromPglite takes a PGlite or the tx of its transaction()',
    // It has one connection, on which a transaction may be open.
    isPool: () => false,
    client: () => pglite,
    run: async (sql, params) => (await pglite.query(sql, params)).rows,
  })
}

import type { SqlExecutor, SqlParameter } from '../../sql-executor.ts'
import { assertHandle, executor } from './executor.ts'
import { splitAtPlaceholders } from './split-at-placeholders.ts'

/** What is used of a `Sequelize` of Sequelize 6. */
export interface SequelizeHandle<Transaction extends object> {
  /** Runs a statement and resolves to its rows. */
  query(sql: string, options: SequelizeQueryOptions<Transaction>): Promise<unknown>
}

/** The options of a query of Sequelize's, as far as they are used. */
export interface SequelizeQueryOptions<Transaction extends object> {
  /** What is bound to `$1`, `$2` … */
  readonly bind: SqlParameter[]
  /** The transaction, or none. */
  readonly transaction: Transaction | null
  /** Says that rows come back, and nothing beside them. */
  readonly type: 'SELECT'
  /** Says that all rows come back. */
  readonly plain: false
  /** Says that a dot in a column's name is a dot. */
  readonly nest: false
  /** Says that nothing is put before the statement. */
  readonly supportsSearchPath: false
}

/**
 * Wraps a transaction of Sequelize 6. `null` for `transaction` means outside of every transaction, also of the one that
 * `Sequelize.useCLS()` would supply.
 *
 * @throws TypeError where `sequelize` has no `query` method, or `transaction` is neither a transaction nor `null`.
 */
export function fromSequelize<Transaction extends object>(
  sequelize: SequelizeHandle<Transaction>,
  transaction: Transaction | null,
): SqlExecutor {
  // Given undefined, Sequelize would run the statement outside of the transaction and say nothing.
  if (transaction !== null) assertHandle(transaction, 'commit', `${expected}, or null for none, as its transaction`)
  return executor({
    handle: sequelize,
    method: 'query',
    expected,
    isPool: () => transaction === null,
    run: (sql, params) => sequelize.query(escaped(sql), options(params, transaction)),
  })
}

const expected = 'fromSequelize takes a Sequelize on Postgres and a transaction of it'

/** Sequelize looks for `$n`, `$name` and `$$` in literals and comments too; a `$` of the statement's own is written `$$`. */
function escaped(sql: string): string {
  const texts = splitAtPlaceholders(sql).map((part) =>
    // A $ after a letter, a digit or _ it leaves alone.
    typeof part === 'string' ? part.replaceAll(/(?<!\w)\$/g, '$$$$') : `$${part}`,
  )
  return texts.join('')
}

function options<Transaction extends object>(
  bind: SqlParameter[],
  transaction: Transaction | null,
): SequelizeQueryOptions<Transaction> {
  return { bind, transaction, type: 'SELECT', plain: false, nest: false, supportsSearchPath: false }
}

import type { SqlExecutor, SqlParameter } from '../../sql-executor.ts'
import type { PgResult } from '../postgres-client.ts'
import { executor } from './executor.ts'
import { splitAtPlaceholders } from './split-at-placeholders.ts'

/** What is used of a transaction or instance of Knex's. */
export interface KnexHandle {
  /** Whether it is a transaction. */
  readonly isTransaction?: boolean | undefined
  /** Runs a statement with `?` for each value, and resolves to an object with its rows. */
  raw(sql: string, bindings: SqlParameter[]): PromiseLike<PgResult>
}

/**
 * Wraps a `trx` of Knex's, or a `knex` for work outside of a transaction.
 *
 * @throws TypeError where it has no `raw` method.
 */
export function fromKnex(trx: KnexHandle): SqlExecutor {
  return executor({
    handle: trx,
    method: 'raw',
    expected: 'fromKnex takes a trx or knex of Knex on Postgres',
    isPool: () => trx.isTransaction !== true,
    run: (sql, params) => raw(trx, sql, params),
  })
}

async function raw(trx: KnexHandle, sql: string, params: readonly SqlParameter[]): Promise<unknown> {
  const statement = toBindings(sql, params)
  try {
    return (await trx.raw(statement.sql, statement.bindings)).rows
  } catch (error) {
    throw withoutStatement(error)
  }
}

/** Writes `?` for `$n`, the value again for each time it stands there, and `\?` for a question mark of the statement's own. */
function toBindings(sql: string, params: readonly SqlParameter[]): { sql: string; bindings: SqlParameter[] } {
  // Knex drops every backslash before a question mark, in literals too.
  if (sql.includes('\\?')) throw new TypeError('Knex cannot run SQL with a backslash before a question mark: bind it.')
  const bindings: SqlParameter[] = []
  const texts = splitAtPlaceholders(sql).map((part) => {
    if (typeof part === 'string') return part.replaceAll('?', '\\?')
    bindings.push(valueOf(part, params))
    // The space keeps it apart from a ? operator before it: ?? is Knex's mark for a name.
    return ' ?'
  })
  return { sql: texts.join(''), bindings }
}

function valueOf(placeholder: number, params: readonly SqlParameter[]): SqlParameter {
  const value = params[placeholder - 1]
  if (value !== undefined) return value
  throw new TypeError(`The statement has $${placeholder}, but ${params.length} parameters were given.`)
}

/** Knex writes the statement before the driver's message, with values in it, and a dash between. */
function withoutStatement(error: unknown): unknown {
  if (error instanceof Error) error.message = error.message.split(' - ').at(-1) ?? ''
  return error
}

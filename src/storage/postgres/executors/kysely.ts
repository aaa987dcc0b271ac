import type { SqlExecutor, SqlParameter } from '../../sql-executor.ts'
import type { PgResult } from '../postgres-client.ts'
import { executor } from './executor.ts'

/** What is used of a `Transaction` or `Kysely` of Kysely. */
export interface KyselyHandle {
  /** Whether it is a transaction. */
  readonly isTransaction: boolean
  /** Gives the same handle without its plug-ins. */
  withoutPlugins(): KyselyRunner
}

/** What runs a compiled query of Kysely's. */
export interface KyselyRunner {
  /** Runs it and resolves to an object with its rows. */
  executeQuery(query: KyselyQuery): Promise<PgResult>
}

/** A compiled query of Kysely's, as `CompiledQuery.raw()` makes it. */
export interface KyselyQuery {
  /** The statement. */
  readonly sql: string
  /** What is bound to it. */
  readonly parameters: readonly SqlParameter[]
  /** The node it was compiled from. */
  readonly query: {
    /** Says that it is written in SQL. */
    readonly kind: 'RawNode'
    /** The statement. */
    readonly sqlFragments: readonly string[]
    /** The nodes inside of it: none. */
    readonly parameters: readonly never[]
  }
  /** Tells queries apart. */
  readonly queryId: {
    /** Any text. */
    readonly queryId: string
  }
}

/**
 * Wraps a `Transaction` of Kysely, or a `Kysely` for work outside of a transaction. Plug-ins such as `CamelCasePlugin` are passed by.
 * The pool of pg that its dialect was given needs a listener for `error`, or a database that restarts ends the process: Kysely attaches
 * none, and does not show the pool.
 *
 * @throws TypeError where it has no `withoutPlugins` method.
 */
export function fromKysely(trx: KyselyHandle): SqlExecutor {
  return executor({
    handle: trx,
    method: 'withoutPlugins',
    expected: 'fromKysely takes a Transaction or Kysely of Kysely on Postgres',
    isPool: () => !trx.isTransaction,
    run: async (sql, params) => (await trx.withoutPlugins().executeQuery(compiled(sql, params))).rows,
  })
}

function compiled(sql: string, parameters: readonly SqlParameter[]): KyselyQuery {
  return {
    sql,
    parameters,
    query: { kind: 'RawNode', sqlFragments: [sql], parameters: [] },
    queryId: { queryId: 'posthorn' },
  }
}

import type { SqlExecutor, SqlParameter } from '../../sql-executor.ts'
import { executor } from './executor.ts'

/** What is used of a client of Prisma's, or of the one that its interactive transactions give. */
export interface PrismaHandle {
  /** Runs a statement and resolves to its rows. */
  $queryRawUnsafe(sql: string, ...params: SqlParameter[]): PromiseLike<unknown>
}

/**
 * Wraps the `tx` of Prisma's `$transaction(async (tx) => …)`, or a `PrismaClient` for work outside of a transaction. Such a
 * transaction has a time limit, 5 s unless set.
 *
 * @throws TypeError where it has no `$queryRawUnsafe` method.
 */
export function fromPrisma(tx: PrismaHandle): SqlExecutor {
  return executor({
    handle: tx,
    method: '$queryRawUnsafe',
    expected: 'fromPrisma takes the tx of $transaction(async (tx) => …), or a PrismaClient, of Prisma on Postgres',
    isPool: () => '$connect' in tx,
    run: (sql, params) => queryRaw(tx, sql, params),
  })
}

async function queryRaw(tx: PrismaHandle, sql: string, params: readonly SqlParameter[]): Promise<unknown> {
  try {
    return await tx.$queryRawUnsafe(sql, ...params)
  } catch (error) {
    throw withSqlState(error)
  }
}

/** Prisma's own code says P2010 of whatever the database refused; the SQLSTATE stands in the message, in every release since 4. */
function withSqlState(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = /Raw query failed\. Code: `([0-9A-Z]{5})`/.exec(error.message)?.[1]
  return code === undefined ? error : Object.assign(new Error(error.message.trim(), { cause: error }), { code })
}

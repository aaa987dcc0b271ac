import { PosthornError } from '../../domain/error.ts'
import type { SqlExecutor, SqlParameter } from '../sql-executor.ts'
import { hasMethod } from './has-method.ts'

/** What is used of a `Pool` or `Client` of pg, of PGlite, and of what has their shape. */
export interface PgQueryable {
  /** Runs one statement and resolves to an object with its rows. */
  query(sql: string, params: SqlParameter[]): Promise<PgResult>
}

/** What is used of a result of pg and its like. */
export interface PgResult {
  /** The rows, by column name. */
  readonly rows: Record<string, unknown>[]
}

/** What is used of the `sql` of postgres.js. */
export interface PostgresJs {
  /** Runs one statement and resolves to its rows. */
  unsafe(sql: string, params: SqlParameter[]): PromiseLike<readonly Record<string, unknown>[]>
}

/** A client that `postgresStorage` works with; it belongs to the caller, who closes it. */
export type PostgresClient = PgQueryable | PostgresJs | SqlExecutor

/** Makes one shape of all clients. A pool of pg closes the connection of a statement that takes longer than `timeoutMs`. */
export function toExecutor(
  client: unknown,
  { timeoutMs = Infinity }: { readonly timeoutMs?: number } = {},
): SqlExecutor {
  assertClient(client)
  if (timeoutMs !== Infinity && isPgPool(client)) return impatient(client, timeoutMs)
  if ('unsafe' in client) return { query: async (sql, params) => [...(await client.unsafe(sql, [...params]))] }
  return { query: async (sql, params) => rowsOf(await client.query(sql, [...params])) }
}

function impatient(pool: PgPool, timeoutMs: number): SqlExecutor {
  return {
    query: async (text, params) => rowsOf(await pool.query({ text, values: [...params], query_timeout: timeoutMs })),
  }
}

/**
 * Closes the idle connections of a pool of pg, for when one did not answer: what silenced it may have silenced all, and each of them would cost
 * another statement its deadline. Of other clients we know too little.
 */
export function closeIdle(client: unknown): void {
  if (typeof client !== 'object' || client === null || !isPgPool(client)) return
  for (let left = client.idleCount; left > 0; left--) {
    // Where there is none to be had, there is none to close.
    void client.connect().then(
      (connection) => connection.release(true),
      () => undefined,
    )
  }
}

/** What is used of a `Pool` of pg beyond what all clients have: a deadline with the statement, and to close connections. */
interface PgPool {
  query(config: { readonly text: string; readonly values: SqlParameter[]; readonly query_timeout: number }): unknown
  readonly idleCount: number
  connect(): Promise<{ release(isToBeClosed: boolean): void }>
}

function isPgPool(client: object): client is PgPool {
  return 'totalCount' in client && hasMethod(client, 'connect')
}

const survivors = new WeakSet<object>()

/**
 * A pool of pg emits `error` when the server closes an idle connection, and without a listener that ends the process. The pool has
 * dropped the connection by then and opens another when it needs one, so there is nothing left to do.
 */
export function survivePoolErrors(client: unknown): void {
  if (!isEmitter(client) || survivors.has(client) || !hasMethod(client, 'connect')) return
  survivors.add(client)
  client.on('error', () => undefined)
}

function assertClient(client: unknown): asserts client is PostgresClient {
  if (isClient(client)) return
  throw new TypeError(
    'client must be a Pool of pg, the sql of postgres.js, a PGlite, or an SqlExecutor: an object with query(sql, params), ' +
      `not ${client === null ? 'null' : typeof client}.`,
  )
}

/** Whether it has the method that all clients have, or the one of postgres.js. */
export function isClient(client: unknown): client is PostgresClient {
  return hasMethod(client, 'unsafe') || hasMethod(client, 'query')
}

function isEmitter(client: unknown): client is { on(event: 'error', listener: () => void): unknown } {
  return hasMethod(client, 'on')
}

function rowsOf(result: unknown): Record<string, unknown>[] {
  const isBare = Array.isArray(result) || typeof result !== 'object' || result === null
  const rows: unknown = isBare ? result : Reflect.get(result, 'rows')
  // The element type is the driver's promise; what is read from a row is checked where it is read.
  if (Array.isArray(rows)) return rows as Record<string, unknown>[]
  throw new PosthornError(
    'STORAGE_FAILED',
    'The query method of the Postgres client resolved to no rows. It must resolve to an array, or to an object with rows.',
  )
}

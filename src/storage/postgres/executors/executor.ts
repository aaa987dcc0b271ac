import type { SqlExecutor, SqlParameter } from '../../sql-executor.ts'
import { hasMethod } from '../has-method.ts'
import { driverError } from './driver-error.ts'

/** What an executor is made of. */
interface ExecutorParts<Handle> {
  /** A client or ORM, or a transaction of it. */
  readonly handle: Handle
  /** The method of it that runs statements. */
  readonly method: keyof Handle & string
  /** What to pass as the handle, said where it has no such method, and where no rows come back from another client's. */
  readonly expected: string
  /** Whether the handle runs each statement on any of its connections. */
  readonly isPool: () => boolean
  /** The driver's own pool, or the connection that tells of its transactions, where the handle shows it. */
  readonly client?: () => unknown
  /** Runs a statement on it and resolves to the rows. */
  readonly run: (sql: string, params: SqlParameter[]) => PromiseLike<unknown>
}

/** Makes an executor, and refuses a wrong handle before a statement goes to the wrong place. */
export function executor<Handle>({
  handle,
  method,
  expected,
  isPool,
  client,
  run,
}: ExecutorParts<Handle>): SqlExecutor {
  assertHandle(handle, method, expected)
  const made: SqlExecutor = {
    async query(sql, params) {
      try {
        return rowsOf(await run(sql, [...params]), expected)
      } catch (error) {
        throw driverError(error)
      }
    },
  }
  if (isPool()) pools.add(made)
  clients.set(made, client?.())
  return made
}

/** The pool or connection behind an executor, or undefined where that is not known. */
export function clientBehind(made: object): unknown {
  return clients.get(made)
}

/** Whether this is an executor made of a pool, a database or a data source, which takes part in no transaction of the caller's. */
export function isPoolExecutor(candidate: unknown): boolean {
  return typeof candidate === 'object' && candidate !== null && pools.has(candidate)
}

const pools = new WeakSet<object>()
const clients = new WeakMap<object, unknown>()

/** Refuses a handle without this method. */
export function assertHandle(handle: unknown, method: string, expected: string): void {
  if (hasMethod(handle, method)) return
  throw new TypeError(`${expected}, not ${handle === null ? 'null' : typeof handle}.`)
}

function rowsOf(rows: unknown, expected: string): Record<string, unknown>[] {
  // The element type is the driver's promise; what is read from a row is checked where it is read.
  if (Array.isArray(rows)) return [...rows] as Record<string, unknown>[]
  throw new TypeError(`${expected}; what was given resolved to no rows.`)
}

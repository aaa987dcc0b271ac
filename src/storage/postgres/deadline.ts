import { PosthornError } from '../../domain/error.ts'
import type { SqlExecutor } from '../sql-executor.ts'

/**
 * Gives each statement up after some time. A connection whose other end went away in silence (a firewall that forgot it, a machine that
 * lost its power) never answers, and no driver gives up by itself; without a deadline one such connection would hold up the claim loop,
 * and with it all deliveries, for ever. `onUnanswered` is called first, before anybody hears of it and makes the next statement.
 */
export function withDeadline(executor: SqlExecutor, timeoutMs: number, onUnanswered: () => void): SqlExecutor {
  if (timeoutMs === Infinity) return executor
  return {
    query: (sql, params) =>
      new Promise((resolve, reject) => {
        const giveUp = () => {
          onUnanswered()
          reject(unanswered(timeoutMs))
        }
        const timer = setTimeout(giveUp, timeoutMs)
        const settle = () => clearTimeout(timer)
        void executor.query(sql, params).then(resolve, reject).finally(settle)
      }),
  }
}

/** Refuses a deadline that cannot be one. */
export function assertStatementTimeout(timeoutMs: unknown): asserts timeoutMs is number {
  if (typeof timeoutMs !== 'number') {
    throw new TypeError(`statementTimeoutMs must be a number, not ${typeof timeoutMs}.`)
  }
  if (timeoutMs === Infinity || (Number.isSafeInteger(timeoutMs) && timeoutMs >= 100 && timeoutMs <= 3_600_000)) return
  throw new RangeError(`statementTimeoutMs must be a whole number from 100 to 3600000, or Infinity, not ${timeoutMs}.`)
}

function unanswered(timeoutMs: number): PosthornError {
  return new PosthornError(
    'STORAGE_UNAVAILABLE',
    `Postgres did not answer a statement within ${timeoutMs} ms (statementTimeoutMs). It may have been carried out all the same; ` +
      'every operation of a storage may be repeated.',
  )
}

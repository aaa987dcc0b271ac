import type { NewAttempt } from '../settlement.ts'
import { BulkInsert } from './bulk-insert.ts'
import type { Connection } from './connection.ts'
import type { SqliteValue } from './sqlite-value.ts'
import { toStoredText } from './stored-text.ts'

/** Appends an attempt; false where its number is recorded already, which then stays as it was. */
export function recordAttempt(connection: Connection, deliveryId: string, attempt: NewAttempt, now: number): boolean {
  return attemptInsert.write(connection, attemptValues(deliveryId, attempt, now)) > 0
}

/** Writes attempts of any number, see {@link attemptValues}, unless their numbers are recorded already. */
export const attemptInsert = new BulkInsert({
  into: `posthorn_attempts (delivery_id, number, is_manual, started_at, duration_ms, status, error,
    response_headers, response_body, recorded_at)`,
  row: '(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  tail: 'ON CONFLICT (delivery_id, number) DO NOTHING',
})

/** The values of one attempt, in the order of its columns. */
export function attemptValues(deliveryId: string, attempt: NewAttempt, now: number): SqliteValue[] {
  return [
    deliveryId,
    attempt.number,
    attempt.trigger === 'manual' ? 1 : 0,
    attempt.startedAt.getTime(),
    attempt.durationMs,
    attempt.status,
    attempt.error,
    attempt.responseHeaders === null ? null : JSON.stringify(attempt.responseHeaders),
    attempt.responseBody === null ? null : toStoredText(attempt.responseBody),
    now,
  ]
}

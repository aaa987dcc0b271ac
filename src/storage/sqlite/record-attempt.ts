import type { NewAttempt } from '../settlement.ts'
import type { Connection } from './connection.ts'
import { toStoredText } from './stored-text.ts'

/** Appends an attempt; false where its number is recorded already, which then stays as it was. */
export function recordAttempt(connection: Connection, deliveryId: string, attempt: NewAttempt, now: number): boolean {
  const written = connection.run(
    `INSERT INTO posthorn_attempts (delivery_id, number, is_manual, started_at, duration_ms, status, error,
       response_headers, response_body, recorded_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (delivery_id, number) DO NOTHING`,
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
  )
  return written > 0
}

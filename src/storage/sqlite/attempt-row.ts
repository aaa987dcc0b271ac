import type { Attempt, AttemptErrorCode } from '../../domain/delivery.ts'
import { fromStoredText } from './stored-text.ts'

/** A row of `posthorn_attempts`. */
export interface AttemptRow {
  readonly delivery_id: string
  readonly number: number
  readonly is_manual: number
  readonly started_at: number
  readonly duration_ms: number
  readonly status: number | null
  readonly error: AttemptErrorCode | null
  readonly response_headers: string | null
  readonly response_body: string | Uint8Array | null
}

/** Makes an attempt of a row. */
export function toAttempt(row: AttemptRow): Attempt {
  return {
    deliveryId: row.delivery_id,
    number: row.number,
    trigger: row.is_manual === 1 ? 'manual' : 'auto',
    startedAt: new Date(row.started_at),
    durationMs: row.duration_ms,
    status: row.status,
    error: row.error,
    // Written from such a record.
    responseHeaders:
      row.response_headers === null ? null : (JSON.parse(row.response_headers) as Record<string, string>),
    responseBody: row.response_body === null ? null : fromStoredText(row.response_body),
  }
}

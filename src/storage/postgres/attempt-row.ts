import type { Attempt } from '../../domain/delivery.ts'
import { ms } from './sql.ts'

/** An attempt as {@link attemptColumns} reads it. */
export type AttemptRow = Omit<Attempt, 'trigger' | 'startedAt'> & {
  readonly isManual: boolean
  readonly startedAt: number
}

/** The columns of an attempt `a`. */
export const attemptColumns = `a.delivery_id AS "deliveryId", a.number, a.is_manual AS "isManual",
  ${ms('a.started_at')} AS "startedAt", a.duration_ms AS "durationMs", a.status, a.error,
  a.response_headers AS "responseHeaders", a.response_body AS "responseBody"`

/** Makes an attempt of a row. */
export function toAttempt({ isManual, startedAt, ...rest }: AttemptRow): Attempt {
  return { ...rest, trigger: isManual ? 'manual' : 'auto', startedAt: new Date(startedAt) }
}

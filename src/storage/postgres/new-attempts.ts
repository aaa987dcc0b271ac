import type { NewAttempt } from '../settlement.ts'
import type { Cell } from './columns.ts'
import type { FunctionNames } from './stored-function.ts'
import { instant } from './sql.ts'
import { toStorable } from './storable-text.ts'

/** The columns of some attempts, as {@link attemptColumns} names them; nothing where there is none. */
export function attemptCells(attempts: readonly (NewAttempt | undefined)[]): readonly (readonly Cell[])[] {
  return [
    attempts.map((attempt) => attempt?.number),
    attempts.map((attempt) => attempt && attempt.trigger === 'manual'),
    attempts.map((attempt) => attempt?.startedAt.getTime()),
    attempts.map((attempt) => attempt?.durationMs),
    attempts.map((attempt) => attempt?.status),
    attempts.map((attempt) => attempt?.error),
    attempts.map((attempt) => attempt?.responseHeaders && JSON.stringify(storableHeaders(attempt.responseHeaders))),
    attempts.map((attempt) => attempt?.responseBody && toStorable(attempt.responseBody)),
  ]
}

/** What is read of a new attempt. */
export const attemptColumns = {
  number: 'integer',
  '"isManual"': 'boolean',
  '"startedAt"': 'float8',
  '"durationMs"': 'float8',
  status: 'integer',
  error: 'text',
  headers: 'jsonb',
  body: 'text',
}

/** Writes the attempts of `rows`, which have these columns and the `id` of the delivery, as SQL that a `WHERE` may follow. */
export function recordAttempts({ attempts, wall }: Pick<FunctionNames, 'attempts' | 'wall'>, rows: string): string {
  return `INSERT INTO ${attempts} (delivery_id, number, is_manual, started_at, duration_ms, status, error, response_headers,
       response_body, recorded_at)
     SELECT id, number, "isManual", ${instant('"startedAt"')}, "durationMs", status, error, headers, body, ${wall} FROM ${rows}`
}

function storableHeaders(headers: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [toStorable(name), toStorable(value)]))
}

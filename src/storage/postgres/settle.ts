import type { NewAttempt, Settled, Settlement } from '../settlement.ts'
import type { Database } from './database.ts'
import { type Phase, toState } from './delivery-row.ts'
import { instant, later } from './sql.ts'
import { answerRows, type FunctionNames, StoredFunction } from './stored-function.ts'
import { toStorable } from './storable-text.ts'
import { isId } from '../../domain/id.ts'

/** Applies settlements: one statement, or as many as one delivery has settlements among them. */
export async function settle(database: Database, settlements: readonly Settlement[]): Promise<Settled[]> {
  const settled: (Settled | undefined)[] = []
  for (const batch of batchesOf(settlements)) {
    const input = JSON.stringify([...batch].map(([n, settlement]) => toInput(n, settlement)))
    const rows = await database.call<{ n: number; id: string; phase: Phase }[]>(settleFunction, [input])
    for (const { n, id, phase } of rows) settled[n] = { id, state: toState(phase) }
  }
  return settled.filter((one) => one !== undefined)
}

/** Each delivery once a batch, in the order of its settlements. What names no stored hold settles nothing. */
function batchesOf(settlements: readonly Settlement[]): Map<number, Settlement>[] {
  const batches: Map<number, Settlement>[] = []
  const counts = new Map<string, number>()
  for (const [n, settlement] of settlements.entries()) {
    if (!isId(settlement.id) || !isId(settlement.lease)) continue
    const count = counts.get(settlement.id) ?? 0
    counts.set(settlement.id, count + 1)
    const batch = (batches[count] ??= new Map<number, Settlement>())
    batch.set(n, settlement)
  }
  return batches
}

function toInput(n: number, settlement: Settlement): object {
  const { id, lease, outcome } = settlement
  const attempt = settlement.outcome === 'release' ? undefined : settlement.attempt
  return {
    n,
    id,
    lease,
    outcome,
    reason: settlement.outcome === 'failed' ? toStorable(settlement.reason) : null,
    waitMs: 'retryInMs' in settlement ? settlement.retryInMs : 'leaseMs' in settlement ? settlement.leaseMs : 0,
    ...(attempt === undefined ? {} : attemptInput(attempt)),
  }
}

function attemptInput(attempt: NewAttempt): object {
  const { responseHeaders, responseBody } = attempt
  return {
    number: attempt.number,
    isManual: attempt.trigger === 'manual',
    startedAt: attempt.startedAt.getTime(),
    durationMs: attempt.durationMs,
    status: attempt.status,
    error: attempt.error,
    headers: responseHeaders === null ? null : storableHeaders(responseHeaders),
    body: responseBody === null ? null : toStorable(responseBody),
  }
}

function storableHeaders(headers: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [toStorable(name), toStorable(value)]))
}

/** Writes the outcomes of `$1`. */
export const settleFunction = new StoredFunction('settle', ['text'], (names) =>
  answerRows('SELECT n, id, phase FROM settled', settling(names)),
)

// A hold is matched on id and lease under the row's lock: of two that settle at once, the second finds what the first has left. Nothing
// has a lease but what is leased, and to ask for the phase as well would let the plan read the whole index of what is.
function settling({ deliveries, webhooks, attempts, now, wall }: FunctionNames): string {
  const isEnded = `h.outcome IN ('succeeded', 'failed') OR h."isActive" IS NOT TRUE`
  return `WITH input AS MATERIALIZED (
     SELECT * FROM jsonb_to_recordset(($1::text)::jsonb) AS i(n integer, id uuid, lease uuid, outcome text, reason text,
       "waitMs" float8, number integer, "isManual" boolean, "startedAt" float8, "durationMs" float8, status integer, error text,
       headers jsonb, body text)
   ),
   held AS MATERIALIZED (
     SELECT i.*, w.id IS NULL AS "isGone", w.is_active AS "isActive"
     FROM ${deliveries} d JOIN input i ON i.id = d.id AND i.lease = d.lease
     LEFT JOIN LATERAL (SELECT id, is_active FROM ${webhooks} WHERE id = d.webhook_id LIMIT 1) w ON true
     WHERE d.id = ANY(ARRAY(SELECT id FROM input)) ORDER BY d.id FOR UPDATE OF d
   ),
   recorded AS (
     INSERT INTO ${attempts} (delivery_id, number, is_manual, started_at, duration_ms, status, error, response_headers,
       response_body, recorded_at)
     SELECT id, number, "isManual", ${instant('"startedAt"')}, "durationMs", status, error, headers, body, ${wall}
     FROM held WHERE number IS NOT NULL ORDER BY n
     ON CONFLICT (delivery_id, number) DO NOTHING RETURNING delivery_id
   ),
   settled AS (
     UPDATE ${deliveries} d SET
       phase = CASE WHEN h.outcome IN ('succeeded', 'failed') THEN h.outcome WHEN h."isActive" IS NOT TRUE THEN 'cancelled'
         WHEN h.outcome = 'continue' THEN 'leased' WHEN h."waitMs" > 0 THEN 'waiting' ELSE 'ready' END,
       reason = CASE WHEN h.outcome IN ('succeeded', 'failed') THEN h.reason WHEN h."isGone" THEN 'deleted'
         WHEN NOT h."isActive" THEN 'disabled' END,
       due_at = CASE WHEN ${isEnded} THEN NULL ELSE ${later(now, 'h."waitMs"')} END,
       lease = CASE WHEN ${isEnded} OR h.outcome <> 'continue' THEN NULL ELSE d.lease END,
       finished_at = CASE WHEN ${isEnded} THEN ${wall} END,
       attempt_count = d.attempt_count + CASE WHEN h."isRecorded" THEN 1 ELSE 0 END,
       claim_count = CASE WHEN h."isRecorded" THEN 0 WHEN h.outcome = 'release' THEN d.claim_count - 1 ELSE d.claim_count END,
       last_status = CASE WHEN h."isRecorded" THEN h.status ELSE d.last_status END
     FROM (
       SELECT held.*, id IN (SELECT delivery_id FROM recorded) AS "isRecorded" FROM held
     ) h WHERE d.id = h.id AND d.id = ANY(ARRAY(SELECT id FROM held)) RETURNING h.n, d.id, d.phase
   )`
}

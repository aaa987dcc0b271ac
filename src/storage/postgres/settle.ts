import type { Settled, Settlement } from '../settlement.ts'
import type { Database } from './database.ts'
import { type ColumnsText, columnsText, readColumns } from './columns.ts'
import { type Phase, toState } from './delivery-row.ts'
import { attemptCells, attemptColumns, recordAttempts } from './new-attempts.ts'
import { areForOptimists, settleOptimistically } from './optimistic-settle.ts'
import { later } from './sql.ts'
import { unlessTaken } from './storage-failed.ts'
import { answerRow, type FunctionNames, StoredFunction } from './stored-function.ts'
import { toStorable } from './storable-text.ts'
import { isId } from '../../domain/id.ts'

/** Applies settlements: one statement, or as many as one delivery has settlements among them. */
export async function settle(database: Database, settlements: readonly Settlement[]): Promise<Settled[]> {
  if (areForOptimists(settlements)) {
    const ended = await unlessTaken(settleOptimistically(database, settlements))
    if (ended !== undefined) return ended
  }
  const settled: (Settled | undefined)[] = []
  for (const batch of batchesOf(settlements)) {
    const entries = [...batch]
    const input = settlementsInput(entries.map(([, settlement]) => settlement))
    const { ns, phases } = await database.call<SettleAnswer>(settleFunction, input)
    for (const [index, n] of (ns ?? []).entries()) {
      const [place, settlement] = entries[n] ?? []
      const phase = phases?.[index]
      if (place === undefined || settlement === undefined || phase === undefined) continue
      settled[place] = { id: settlement.id, state: toState(phase) }
    }
  }
  return settled.filter((one) => one !== undefined)
}

/** Which settlements of the batch found their hold, and what their deliveries came to; null where none did. */
interface SettleAnswer {
  readonly ns: readonly number[] | null
  readonly phases: readonly Phase[] | null
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

function settlementsInput(settlements: readonly Settlement[]): ColumnsText {
  return columnsText([
    settlements.map(({ id }) => id),
    settlements.map(({ lease }) => lease),
    settlements.map(({ outcome }) => outcome),
    settlements.map((each) => (each.outcome === 'failed' ? toStorable(each.reason) : null)),
    settlements.map((each) => ('retryInMs' in each ? each.retryInMs : 'leaseMs' in each ? each.leaseMs : 0)),
    ...attemptCells(settlements.map((each) => (each.outcome === 'release' ? undefined : each.attempt))),
  ])
}

/** What is read of a settlement, with its place `n`. */
const settlementColumns = {
  id: 'uuid',
  lease: 'uuid',
  outcome: 'text',
  reason: 'text',
  '"waitMs"': 'float8',
  ...attemptColumns,
}

/** Writes the outcomes of `$1`, whose columns have the mark `$2`. */
export const settleFunction = new StoredFunction('settle', ['text', 'text'], (names) =>
  answerRow('SELECT json_agg(n) AS ns, json_agg(phase) AS phases FROM settled', settling(names)),
)

// A hold is matched on id and lease under the row's lock: of two that settle at once, the second finds what the first has left. Nothing
// has a lease but what is leased, and to ask for the phase as well would let the plan read the whole index of what is.
function settling({ deliveries, webhooks, attempts, now, wall }: FunctionNames): string {
  const isEnded = `h.outcome IN ('succeeded', 'failed') OR h."isActive" IS NOT TRUE`
  return `WITH input AS MATERIALIZED (
     ${readColumns('$1', '$2', settlementColumns)}
   ),
   held AS MATERIALIZED (
     SELECT i.*, d.webhook_id FROM ${deliveries} d JOIN input i ON i.id = d.id AND i.lease = d.lease
     WHERE d.id = ANY(ARRAY(SELECT id FROM input)) ORDER BY d.id FOR UPDATE OF d
   ),
   known AS MATERIALIZED (
     SELECT id, is_active FROM ${webhooks} WHERE id = ANY(ARRAY(SELECT DISTINCT webhook_id FROM held))
   ),
   recorded AS (
     ${recordAttempts({ attempts, wall }, 'held')} WHERE number IS NOT NULL ORDER BY n
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
       SELECT held.*, w.id IS NULL AS "isGone", w.is_active AS "isActive", held.id IN (SELECT delivery_id FROM recorded) AS "isRecorded"
       FROM held LEFT JOIN known w ON w.id = held.webhook_id OFFSET 0
     ) h WHERE d.id = h.id AND d.id = ANY(ARRAY(SELECT id FROM held)) RETURNING h.n, d.phase
   )`
}

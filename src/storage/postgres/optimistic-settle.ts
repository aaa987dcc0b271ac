import { isId } from '../../domain/id.ts'
import type { Settled, Settlement, SucceededSettlement } from '../settlement.ts'
import { columnsText, readColumns } from './columns.ts'
import type { Database } from './database.ts'
import { attemptCells, attemptColumns, recordAttempts } from './new-attempts.ts'
import { answerRow, type FunctionNames, StoredFunction } from './stored-function.ts'

/** Whether {@link settleOptimistically} can write these settlements: all have succeeded, each of a delivery of its own. */
export function areForOptimists(settlements: readonly Settlement[]): settlements is readonly SucceededSettlement[] {
  const ids = new Set<string>()
  for (const { outcome, id, lease } of settlements) {
    if (outcome !== 'succeeded' || !isId(id) || !isId(lease)) return false
    ids.add(id)
  }
  return ids.size === settlements.length && ids.size > 0
}

/**
 * Ends deliveries that have succeeded. Their webhooks do not matter, and nobody has recorded their attempts: where somebody has after all, the
 * statement fails by its unique index, and nothing is written.
 */
export async function settleOptimistically(
  database: Database,
  settlements: readonly SucceededSettlement[],
): Promise<Settled[]> {
  const input = columnsText([
    settlements.map(({ id }) => id),
    settlements.map(({ lease }) => lease),
    ...attemptCells(settlements.map(({ attempt }) => attempt)),
  ])
  const { ns } = await database.call<OptimisticAnswer>(optimisticSettleFunction, input)
  const held = ns === null ? undefined : new Set(ns)
  return settlements
    .filter((_, n) => held === undefined || held.has(n))
    .map(({ id }) => ({ id, state: 'succeeded' as const }))
}

/** Which settlements found their hold; null where all did. */
interface OptimisticAnswer {
  readonly ns: readonly number[] | null
}

const settlementColumns = { id: 'uuid', lease: 'uuid', ...attemptColumns }

/** Writes the successes of `$1`, whose columns have the mark `$2`. */
export const optimisticSettleFunction = new StoredFunction(
  'settle_optimistically',
  ['text', 'text'],
  (names) =>
    answerRow(
      `SELECT CASE WHEN (SELECT count(*) FROM settled) < (SELECT count(*) FROM input)
       THEN coalesce((SELECT json_agg(n) FROM settled), '[]') END AS ns`,
      settling(names),
    ),
  // Rows come to the update, and are locked, in the order in which a join by merging has sorted them: by id, as everything locks them.
  ['enable_hashjoin = off'],
)

// A hold is matched on id and lease, and once more where the update had to wait for the row. See settle.ts.
function settling({ deliveries, attempts, wall }: FunctionNames): string {
  return `WITH input AS MATERIALIZED (
     ${readColumns('$1', '$2', settlementColumns)}
   ),
   settled AS (
     UPDATE ${deliveries} d SET phase = 'succeeded', reason = NULL, due_at = NULL, lease = NULL, finished_at = ${wall},
       attempt_count = d.attempt_count + 1, claim_count = 0, last_status = i.status
     FROM input i WHERE d.id = ANY(ARRAY(SELECT id FROM input)) AND i.id = d.id AND i.lease = d.lease RETURNING i.*
   ),
   recorded AS (${recordAttempts({ attempts, wall }, 'settled')})`
}

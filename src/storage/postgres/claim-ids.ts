import type { ClaimResult } from '../storage.ts'
import type { Database } from './database.ts'
import type { DueFloor } from './due-floors.ts'
import { takeLanes } from './lanes.ts'
import { cancelDoomed, type ClaimRow, leaseCandidates, readClaim, selectClaim } from './leasing.ts'
import { promote } from './promote.ts'
import { idsOf } from './sql.ts'
import { isId } from '../../domain/id.ts'

/** Leases those of `ids` that are due. */
export async function claimIds(
  database: Database,
  ids: readonly string[],
  limit: number,
  leaseMs: number,
  floor: DueFloor,
): Promise<ClaimResult> {
  const { names } = database
  const known = ids.filter(isId)
  const { hasReady, isMore, nextDueInMs } = await promote(database, floor, known)
  if (!hasReady) return { claimed: [], nextDueInMs: isMore ? 0 : nextDueInMs }
  const rows = await database.all<ClaimRow<object>>(
    selectClaim(names, 'SELECT 1 AS done'),
    [JSON.stringify(known), limit, leaseMs, floor.waitingMs],
    `WITH given AS MATERIALIZED (
       SELECT id, webhook_id FROM ${names.deliveries} WHERE id = ANY(ARRAY(${idsOf('$1')})) AND phase = 'ready'
     ),
     probed AS MATERIALIZED (SELECT DISTINCT webhook_id, 1 AS turn FROM given),
     ${takeLanes(names, 'ALL', '$4')},
     candidate AS MATERIALIZED (
       SELECT g.id, g.place, g.turn FROM (
         SELECT given.id, mine.free, mine.turn, row_number() OVER (PARTITION BY given.webhook_id ORDER BY given.id) AS place
         FROM given JOIN mine ON mine.webhook_id = given.webhook_id
       ) g WHERE g.place <= g.free
     ),
     ${leaseCandidates(names, 'greatest($2::integer, 0)', '$3::float8')},
     ${cancelDoomed(
       names,
       'SELECT given.id FROM given JOIN lane ON lane.webhook_id = given.webhook_id WHERE lane.is_active IS NOT TRUE',
     )}`,
  )
  // Whether the rest of what is ready may be claimed is for a claim without ids to find out.
  return { claimed: readClaim(rows).claimed, nextDueInMs: 0 }
}

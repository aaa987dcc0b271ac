import { isId } from '../../domain/id.ts'
import type { ClaimResult } from '../storage.ts'
import type { Database } from './database.ts'
import type { DueFloor } from './due-floors.ts'
import { takeLanes } from './lanes.ts'
import {
  cancelDoomed,
  type ClaimAnswer,
  claimingAfter,
  givenReady,
  leaseCandidates,
  readClaim,
  selectClaim,
} from './leasing.ts'
import { promoteFunction } from './promote.ts'
import { idsOf } from './sql.ts'
import { StoredFunction } from './stored-function.ts'

/** Leases those of `ids` that are due. */
export async function claimIds(
  database: Database,
  ids: readonly string[],
  limit: number,
  leaseMs: number,
  floor: DueFloor,
): Promise<ClaimResult> {
  const { promotion, claim } = await database.call<ClaimAnswer>(claimIdsFunction, [
    JSON.stringify(ids.filter(isId)),
    Math.max(limit, 0),
    leaseMs,
    floor.waitingMs,
    floor.readyMs,
  ])
  const { isMore, nextDueInMs } = promotion
  if (claim === null) return { claimed: [], nextDueInMs: isMore ? 0 : nextDueInMs }
  // Whether the rest of what is ready may be claimed is for a claim without ids to find out.
  return { claimed: readClaim(claim), nextDueInMs: 0 }
}

/** Leases those of the ids `$1` that are due, at most `$2`, for `$3` ms. `$4` and `$5` are those of a promotion. */
export const claimIdsFunction = new StoredFunction(
  'claim_ids',
  ['text', 'integer', 'float8', 'float8', 'float8'],
  (names) =>
    claimingAfter(
      promoteFunction.callingWithin(names, '$1', '$4', '$5'),
      `SELECT ${selectClaim(names)}`,
      `WITH ${givenReady(names, idsOf('$1'))},
     probed AS MATERIALIZED (SELECT DISTINCT webhook_id, 1 AS turn FROM given),
     ${takeLanes(names, 'ALL', '$4')},
     candidate AS MATERIALIZED (
       SELECT g.id, g.place, g.turn FROM (
         SELECT given.id, mine.free, mine.turn, row_number() OVER (PARTITION BY given.webhook_id ORDER BY given.id) AS place
         FROM given JOIN mine ON mine.webhook_id = given.webhook_id
       ) g WHERE g.place <= g.free
     ),
     ${leaseCandidates(names, '$2', '$3')},
     ${cancelDoomed(
       names,
       'SELECT given.id FROM given JOIN lane ON lane.webhook_id = given.webhook_id WHERE lane.is_active IS NOT TRUE',
     )}`,
    ),
)

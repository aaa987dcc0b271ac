import type { Database } from './database.ts'
import { type DueFloors, noFloor } from './due-floors.ts'
import { LaneRotation } from './lane-rotation.ts'
import { lastOf, maxLanes, maxPassed, openLanes, probeLanes } from './lanes.ts'
import { cancelDoomed, type ClaimAnswer, claimingAfter, readyOfDoomed } from './leasing.ts'
import type { Names } from './names.ts'
import { promoteFunction } from './promote.ts'
import { instant, later, ms } from './sql.ts'
import { StoredFunction } from './stored-function.ts'

/** Finds what could be claimed and was not, by lanes as a claim does, on a round of its own; it neither leases nor locks what it gives. */
export class Overdue {
  readonly #database: Database
  readonly #floors: DueFloors
  readonly #rotation = new LaneRotation()

  constructor(database: Database, floors: DueFloors) {
    this.#database = database
    this.#floors = floors
  }

  /** Always looks all the way back, which claims do at most as often, and tells them how far there is nothing. */
  async find(limit: number, byMs: number): Promise<readonly string[]> {
    const { promotion, claim: found } = await this.#database.call<ClaimAnswer<Found>>(overdueFunction, [
      this.#rotation.position,
      limit,
      byMs,
      noFloor.waitingMs,
      noFloor.readyMs,
    ])
    if (found === null) return []
    const { ids, nowMs, oldestMs, probedCount, wantedCount, lastProbed, lastWanted } = found
    // Behind the last lane that was wanted, where the limit ended the search.
    this.#rotation.moveTo(wantedCount === limit ? lastWanted : lastProbed)
    const oldestReadyMs = probedCount < maxLanes ? oldestMs : null
    this.#floors.raise({ nowMs, oldestReadyMs, isPromoted: !promotion.isMore })
    return ids
  }
}

/** What was found, and what was met. */
interface Found {
  readonly ids: readonly string[]
  readonly probedCount: number
  readonly wantedCount: number
  /** By the server's clock, in milliseconds since 1970. */
  readonly nowMs: number
  /** Since when the longest due delivery of the lanes met has been, likewise. */
  readonly oldestMs: number | null
  readonly lastProbed: string | null
  readonly lastWanted: string | null
}

/**
 * The ids of up to `$2` deliveries that could be leased and have been due for `$3` ms, by lanes, from behind the webhook `$1` on. `$4` and `$5`
 * are those of a claim.
 */
export const overdueFunction = new StoredFunction(
  'overdue',
  ['uuid', 'integer', 'float8', 'float8', 'float8'],
  (names) =>
    claimingAfter(
      promoteFunction.callingWithin(names, `'[]'`, '$4', '$5'),
      `SELECT (SELECT coalesce(json_agg(id ORDER BY place, turn), '[]') FROM chosen) AS ids,
         (SELECT count(*) FROM probed) AS "probedCount", (SELECT count(*) FROM wanted) AS "wantedCount",
         ${lastOf('probed')} AS "lastProbed", ${lastOf('wanted')} AS "lastWanted",
         ${ms(names.now)} AS "nowMs", (SELECT ${ms('min(due_at)')} FROM probed) AS "oldestMs"`,
      finding(names),
      '$2 > 0',
    ),
)

function finding(names: Names): string {
  const { deliveries, now } = names
  const isLate = `due_at <= ${later(now, '-$3')}`
  const share = `greatest(ceil($2::float8 / count), floor(${maxPassed} / count))::integer`
  return `WITH RECURSIVE ${probeLanes(names)},
   late AS MATERIALIZED (SELECT webhook_id, turn FROM probed WHERE ${isLate}),
   ${openLanes(names, 'late', '$2', '$4')},
   candidate AS MATERIALIZED (
     SELECT c.id, w.turn, row_number() OVER (PARTITION BY w.webhook_id ORDER BY c.due_at) AS place
     FROM wanted w CROSS JOIN (SELECT ${share} AS most FROM (SELECT count(*) FROM wanted) n WHERE count > 0) share
     CROSS JOIN LATERAL (
       SELECT d.id, d.due_at FROM ${deliveries} d
       WHERE d.webhook_id = w.webhook_id AND d.phase = 'ready' AND d.due_at >= ${instant('$5')} AND d.${isLate}
       ORDER BY d.due_at LIMIT least(w.free, $2, share.most)
     ) c
   ),
   chosen AS MATERIALIZED (SELECT id, place, turn FROM candidate ORDER BY place, turn LIMIT $2),
   ${cancelDoomed(names, readyOfDoomed(names))}`
}

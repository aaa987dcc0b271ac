import type { ClaimResult } from '../storage.ts'
import type { Database } from './database.ts'
import { type DueFloor, DueFloors, noFloor } from './due-floors.ts'
import { LaneRotation } from './lane-rotation.ts'
import { lastOf, maxLanes, maxPassed, probeLanes, takeLanes } from './lanes.ts'
import {
  cancelDoomed,
  type ClaimAnswer,
  claimingAfter,
  type ClaimRows,
  leaseCandidates,
  maxCancelled,
  readClaim,
  readyOfDoomed,
  selectClaim,
} from './leasing.ts'
import type { Names } from './names.ts'
import { promoteFunction, type Promotion } from './promote.ts'
import { instant, ms } from './sql.ts'
import { StoredFunction } from './stored-function.ts'

/** Gives out what is due, by lanes: the work grows with the lanes probed, never with what waits in them. */
export class Claims {
  readonly #database: Database
  readonly #rotation = new LaneRotation()
  /** How far back to look. */
  readonly floors = new DueFloors()

  constructor(database: Database) {
    this.#database = database
  }

  async claim(limit: number, leaseMs: number): Promise<ClaimResult> {
    const floor = this.floors.current
    const { claimed, nextDueInMs } = await this.#claim(limit, leaseMs, floor)
    if (claimed.length > 0) return { claimed, nextDueInMs: this.floors.unlessSooner(nextDueInMs) }
    this.floors.clear()
    return floor === noFloor ? { claimed, nextDueInMs } : await this.#claim(limit, leaseMs, noFloor)
  }

  async #claim(limit: number, leaseMs: number, floor: DueFloor): Promise<ClaimResult> {
    const { promotion, claim } = await this.#database.call<ClaimAnswer<ClaimRows & { readonly survey: Survey }>>(
      claimFunction,
      [this.#rotation.position, Math.max(limit, 0), leaseMs, floor.waitingMs, floor.readyMs],
    )
    if (!promotion.hasReady) return { claimed: [], nextDueInMs: promotion.isMore ? 0 : promotion.nextDueInMs }
    if (claim === null) return { claimed: [], nextDueInMs: 0 }
    const claimed = readClaim(claim)
    const met = claim.survey
    // Behind the last lane that was wanted, where the limit ended the search.
    this.#rotation.moveTo(met.wantedCount === limit ? met.lastWanted : met.lastProbed)
    const isPromoted = !promotion.isMore
    if (floor === noFloor) {
      const oldestReadyMs = met.probedCount < maxLanes ? met.oldestMs : null
      this.floors.raise({ nowMs: met.nowMs, oldestReadyMs, isPromoted })
    }
    const isProgress = claimed.length > 0 || met.cancelledCount > 0
    const isMore = !isPromoted || claimed.length === limit || met.isMore || met.cancelledCount === maxCancelled
    const wake = this.#afterwards(met, limit, isProgress)
    return {
      claimed,
      nextDueInMs: isMore || wake === null ? 0 : nextDue(promotion, wake.wakeInMs, claimed.length > 0 ? leaseMs : null),
    }
  }

  /** When the first closed lane opens, or null where to go on at once. */
  #afterwards(met: Survey, limit: number, isProgress: boolean): { readonly wakeInMs: number | null } | null {
    const isWhole = met.probedCount < maxLanes && met.wantedCount < limit
    if (!isWhole && !isProgress) return this.#rotation.idle(met.wakeInMs, performance.now())
    this.#rotation.restart()
    return isWhole ? met : null
  }
}

/** What a claim met. */
interface Survey {
  readonly probedCount: number
  readonly wantedCount: number
  readonly cancelledCount: number
  /** By the server's clock, in milliseconds since 1970. */
  readonly nowMs: number
  /** Since when the longest due delivery of the lanes met has been, likewise. */
  readonly oldestMs: number | null
  readonly lastProbed: string | null
  readonly lastWanted: string | null
  /** Whether something was left that may be claimable at once. */
  readonly isMore: boolean
  /** Until the first gate met opens, in milliseconds. */
  readonly wakeInMs: number | null
}

function nextDue({ nextDueInMs }: Promotion, ...others: readonly (number | null)[]): number | null {
  const waits = [nextDueInMs, ...others].filter((wait) => wait !== null)
  return waits.length === 0 ? null : Math.max(0, Math.min(...waits))
}

/**
 * Leases up to `$2` deliveries for `$3` ms, by lanes, from behind the webhook `$1` on. Nothing waits since before `$4`, or is ready since
 * before `$5`, both in milliseconds since 1970.
 */
export const claimFunction = new StoredFunction('claim', ['uuid', 'integer', 'float8', 'float8', 'float8'], (names) =>
  claimingAfter(
    promoteFunction.callingWithin(names, `'[]'`, '$4', '$5'),
    `SELECT ${selectClaim(names)}, (SELECT row_to_json(s) FROM (${survey(names)}) s) AS survey`,
    claiming(names),
    '$2 > 0',
  ),
)

function claiming(names: Names): string {
  const { deliveries } = names
  const isRecent = `d.due_at >= ${instant('$5')}`
  const share = `greatest(ceil($2::float8 / count), floor(${maxPassed} / count))::integer`
  return `WITH RECURSIVE ${probeLanes(names)},
   ${takeLanes(names, '$2', '$4')},
   candidate AS MATERIALIZED (
     SELECT m.webhook_id, c.id, m.turn, row_number() OVER (PARTITION BY m.webhook_id ORDER BY c.due_at) AS place
     FROM mine m CROSS JOIN (SELECT ${share} AS most FROM (SELECT count(*) FROM mine) n WHERE count > 0) share
     CROSS JOIN LATERAL (
       SELECT d.id, d.due_at FROM ${deliveries} d WHERE d.webhook_id = m.webhook_id AND d.phase = 'ready' AND ${isRecent}
       ORDER BY d.due_at LIMIT least(m.free, $2, share.most)
     ) c
   ),
   ${leaseCandidates(names, '$2', '$3')},
   ${cancelDoomed(names, readyOfDoomed(names))}`
}

function survey({ now }: Names): string {
  const isGated = `lane.is_active AND lane.gate_until > ${now}`
  return `SELECT (SELECT count(*) FROM lane) AS "probedCount", (SELECT count(*) FROM wanted) AS "wantedCount",
    (SELECT count(*) FROM cancelled) AS "cancelledCount", ${lastOf('lane')} AS "lastProbed", ${lastOf('wanted')} AS "lastWanted",
    (SELECT ${ms(`(min(lane.gate_until) - ${now})`)} FROM lane WHERE ${isGated}) AS "wakeInMs",
    ${ms(now)} AS "nowMs", (SELECT ${ms('min(due_at)')} FROM probed) AS "oldestMs",
    (SELECT count(*) FROM wanted) > (SELECT count(*) FROM mine)
      OR (SELECT count(*) FROM chosen) > (SELECT count(*) FROM taken)
      OR (SELECT count(*) FROM doomed) > (SELECT count(*) FROM cancelled)
      OR EXISTS (
        SELECT 1 FROM (SELECT turn, count(*) FROM candidate GROUP BY turn) c JOIN mine USING (turn)
        WHERE c.count < mine.free AND c.count >= ${maxPassed} / (SELECT count(*) FROM mine)
      ) AS "isMore"`
}

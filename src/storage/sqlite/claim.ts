import type { Now } from '../steady-clock.ts'
import type { Claimed, StoredWebhook } from '../storage.ts'
import type { Connection } from './connection.ts'
import { hasDue, nextDueInMs, nextLane } from './due.ts'
import { LaneRotation } from './lane-rotation.ts'
import { type Lane, type Survey, surveyLanes } from './lane-survey.ts'
import { lease, selectClaimable, type ClaimableRow } from './lease.ts'
import { promote } from './promote.ts'

/** What a claim gave out, and when to ask again. */
export interface ClaimResult {
  readonly claimed: Claimed[]
  readonly nextDueInMs: number | null
}

/** Gives out what is due, by lanes: the work grows with the lanes probed, never with what waits in them. */
export class Claims {
  readonly #connection: Connection
  readonly #write: <T>(work: () => T) => T
  readonly #rotation: LaneRotation

  /** @param write - runs what it is given in a transaction */
  constructor(connection: Connection, write: <T>(work: () => T) => T) {
    this.#connection = connection
    this.#write = write
    this.#rotation = new LaneRotation((after) => nextLane(connection, after))
  }

  claim(limit: number, leaseMs: number, now: Now): ClaimResult {
    // Looked at before the write lock is asked for: an idle worker's polls leave other processes alone.
    if (!hasDue(this.#connection, now.dueMs)) {
      return { claimed: [], nextDueInMs: nextDueInMs(this.#connection, null, now.dueMs) }
    }
    if (limit < 1) return { claimed: [], nextDueInMs: 0 }
    return this.#write(() => {
      const hasMoreDue = promote(this.#connection, now.dueMs)
      const survey = surveyLanes(this.#connection, this.#rotation, limit, now)
      const claimed = this.#take(survey.lanes, limit, now.dueMs + leaseMs)
      const hasMoreReady = survey.lanes.some((lane) => lane.free > 0 && hasReady(this.#connection, lane.webhook.id))
      const wake = this.#afterwards(survey, claimed.length > 0 || survey.cancelled > 0)
      const isMore = hasMoreDue || hasMoreReady || wake === null
      return { claimed, nextDueInMs: isMore ? 0 : nextDueInMs(this.#connection, wake.wakeAt, now.dueMs) }
    })
  }

  /** First an equal share to every lane, then what is left to those that have more. */
  #take(lanes: readonly Lane[], limit: number, until: number): Claimed[] {
    const claimed: Claimed[] = []
    const share = Math.max(1, Math.floor(limit / lanes.length))
    for (const most of [share, limit]) {
      for (const lane of lanes) {
        const count = Math.min(most, lane.free, limit - claimed.length)
        if (count < 1) continue
        const taken = takeReady(this.#connection, lane.webhook, count, until)
        lane.free = taken.length < count ? 0 : lane.free - count
        claimed.push(...taken)
      }
    }
    return claimed
  }

  /** When the first closed lane opens, or null where to go on at once. */
  #afterwards(survey: Survey, isProgress: boolean): { readonly wakeAt: number | null } | null {
    if (!survey.isWhole && !isProgress) return this.#rotation.idle(survey.wakeAt)
    this.#rotation.restart()
    return survey.isWhole || nextLane(this.#connection, '') === null ? survey : null
  }
}

function hasReady(connection: Connection, webhookId: string): boolean {
  const sql = `SELECT 1 FROM posthorn_deliveries WHERE phase = 'ready' AND webhook_id = ? LIMIT 1`
  return connection.first(sql, webhookId) !== undefined
}

function takeReady(connection: Connection, webhook: StoredWebhook, count: number, until: number): Claimed[] {
  return connection
    .all<ClaimableRow>(
      `${selectClaimable} WHERE d.phase = 'ready' AND d.webhook_id = ? ORDER BY d.due_at LIMIT ?`,
      webhook.id,
      count,
    )
    .map((row) => lease(connection, row, webhook, until))
}

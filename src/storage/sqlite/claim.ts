import type { Now } from '../steady-clock.ts'
import type { Claimed } from '../storage.ts'
import type { Connection } from './connection.ts'
import { hasDue, nextDueInMs, nextLane } from './due.ts'
import { LaneRotation } from './lane-rotation.ts'
import { type Survey, surveyLanes } from './lane-survey.ts'
import type { Lane } from './lane.ts'
import { leaseAll, type Leasing } from './lease.ts'
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
  readonly #rotation = new LaneRotation()

  /** @param write - runs what it is given in a transaction */
  constructor(connection: Connection, write: <T>(work: () => T) => T) {
    this.#connection = connection
    this.#write = write
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
      const { leasings, isMore: hasMoreReady } = share(this.#connection, survey.lanes, limit)
      const lease = { token: crypto.randomUUID(), until: now.dueMs + leaseMs }
      const claimed = leaseAll(this.#connection, leasings, lease)
      const wake = this.#afterwards(survey, claimed.length > 0 || survey.cancelled > 0)
      const isMore = hasMoreDue || hasMoreReady || wake === null
      return { claimed, nextDueInMs: isMore ? 0 : nextDueInMs(this.#connection, wake.wakeAt, now.dueMs) }
    })
  }

  /** When the first closed lane opens, or null where to go on at once. */
  #afterwards(survey: Survey, isProgress: boolean): { readonly wakeAt: number | null } | null {
    if (!survey.isWhole && !isProgress) return this.#rotation.idle(survey.wakeAt)
    this.#rotation.restart()
    return survey.isWhole || nextLane(this.#connection, '') === null ? survey : null
  }
}

/**
 * Chooses up to `limit`: an equal share of every lane, and of what is left again an equal share of those that have more, until nothing is left.
 * Says whether there is more that could have been given out.
 */
function share(connection: Connection, lanes: readonly Lane[], limit: number) {
  const leasings: Leasing[] = []
  let open = lanes.map((lane) => ({ lane, taken: 0 }))
  while (open.length > 0 && leasings.length < limit) {
    const equal = Math.max(1, Math.floor((limit - leasings.length) / open.length))
    const wanted = open.map(({ lane, taken }) => Math.min(lane.free, taken + equal))
    // One more of each than it may get, to know which have more.
    const ready = firstReady(connection, open, Math.max(...wanted) + 1)
    open = open.flatMap(({ lane, taken }, place) => {
      const ids = ready[place] ?? []
      const most = Math.min(wanted[place] ?? 0, taken + limit - leasings.length)
      leasings.push(...ids.slice(taken, most).map((id) => ({ id, webhook: lane.webhook })))
      return ids.length > most && lane.free > most ? [{ lane, taken: most }] : []
    })
  }
  return { leasings, isMore: open.length > 0 }
}

/** The ids of the first `count` that are ready of each lane, the longest due first; in one statement, from the index alone. */
function firstReady(connection: Connection, lanes: readonly { readonly lane: Lane }[], count: number): string[][] {
  const rows = connection.all<{ readonly place: number; readonly ids: string }>(
    `SELECT lane.key AS place, (
       SELECT json_group_array(id) FROM (
         SELECT id FROM posthorn_deliveries WHERE phase = 'ready' AND webhook_id = lane.value ORDER BY due_at, id LIMIT ?
       )
     ) AS ids FROM json_each(?) lane`,
    count,
    JSON.stringify(lanes.map(({ lane }) => lane.webhook.id)),
  )
  const ready: string[][] = []
  for (const { place, ids } of rows) ready[place] = JSON.parse(ids) as string[] // as json_group_array writes ids
  return ready
}

import { inTurn, shareOf } from '../in-turn.ts'
import type { Now } from '../steady-clock.ts'
import type { Connection } from './connection.ts'
import { hasDue } from './due.ts'
import { LaneRotation } from './lane-rotation.ts'
import { surveyLanes } from './lane-survey.ts'
import { promote } from './promote.ts'

/** Finds what could be claimed and was not, by lanes as a claim does, on a round of its own. */
export class Overdue {
  readonly #connection: Connection
  readonly #write: <T>(work: () => T) => T
  readonly #rotation = new LaneRotation()

  /** @param write - runs what it is given in a transaction */
  constructor(connection: Connection, write: <T>(work: () => T) => T) {
    this.#connection = connection
    this.#write = write
  }

  find(limit: number, byMs: number, now: Now): string[] {
    // Looked at before the write lock is asked for: an idle worker's sweeps leave other processes alone.
    if (!hasDue(this.#connection, now.dueMs)) return []
    const since = now.dueMs - byMs
    return this.#write(() => {
      promote(this.#connection, now.dueMs)
      const isLate = (webhookId: string) => this.#late(webhookId, since, 1).length > 0
      const { lanes } = surveyLanes(this.#connection, this.#rotation, limit, now, isLate)
      const share = Math.min(shareOf(limit, lanes.length), limit)
      return inTurn(
        lanes.map(({ webhook, free }) => this.#late(webhook.id, since, Math.min(free, share))),
        limit,
      )
    })
  }

  /** Those of a webhook that have been due since an instant, the longest due first. */
  #late(webhookId: string, since: number, most: number): string[] {
    const sql = `SELECT id FROM posthorn_deliveries
      WHERE phase = 'ready' AND webhook_id = ? AND due_at <= ? ORDER BY due_at LIMIT ?`
    return this.#connection.all<{ id: string }>(sql, webhookId, since, most).map(({ id }) => id)
  }
}

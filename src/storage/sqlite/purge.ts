import type { Now } from '../steady-clock.ts'
import type { Connection } from './connection.ts'
import { forgetKeys } from './idempotency.ts'

/** What to remove, and how much of it in this call. */
export interface PurgeQuery {
  readonly eventsOlderThanMs?: number
  readonly bodiesOlderThanMs?: number
  readonly attemptsOlderThanMs?: number
  readonly limit: number
}

// What one call looks at beyond what it removes: rows that stay because their event has a pending delivery.
const maxKept = 10_000

/**
 * Removes what is older than asked, oldest first. Rows are looked at in the order of writing, and where a call stopped the
 * next one goes on, so that rows which have to stay are not looked at again and again.
 */
export class Purge {
  readonly #connection: Connection
  readonly #positions = new Map<Kind, number>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  purge(query: PurgeQuery, now: Now): { removed: number; isDone: boolean } {
    const ages = [
      [events, query.eventsOlderThanMs],
      [bodies, query.bodiesOlderThanMs],
      [attempts, query.attemptsOlderThanMs],
    ] as const
    forgetKeys(this.#connection, now.dueMs, query.limit)
    let removed = 0
    let isDone = true
    for (const [kind, olderThanMs] of ages) {
      if (olderThanMs === undefined) continue
      const part = this.#purgeKind(kind, now.wallMs - olderThanMs, query.limit - removed)
      removed += part.removed
      isDone &&= part.isDone
    }
    return { removed, isDone }
  }

  #purgeKind(kind: Kind, writtenBefore: number, limit: number): { removed: number; isDone: boolean } {
    let position = this.#positions.get(kind) ?? 0
    let removed = 0
    let seen = 0
    for (const row of oldestFirst(this.#connection, kind, position)) {
      if (row.written_at >= writtenBefore) break
      if (removed === limit || seen === limit + maxKept) {
        this.#positions.set(kind, position)
        return { removed, isDone: false }
      }
      seen++
      position = row.seq
      if (hasPending(this.#connection, row.event_seq)) continue
      for (const statement of kind.remove) this.#connection.run(statement, position)
      removed++
    }
    this.#positions.delete(kind)
    return { removed, isDone: true }
  }
}

interface OldRow {
  readonly seq: number
  readonly event_seq: number
  readonly written_at: number
}

interface Kind {
  readonly select: string
  readonly remove: readonly string[]
}

const events: Kind = {
  select: `SELECT seq, seq AS event_seq, created_at AS written_at FROM posthorn_events WHERE seq > ? ORDER BY seq LIMIT 200`,
  remove: [
    `DELETE FROM posthorn_attempts
     WHERE delivery_id IN (SELECT id FROM posthorn_deliveries WHERE event_seq = ?)`,
    `DELETE FROM posthorn_deliveries WHERE event_seq = ?`,
    `DELETE FROM posthorn_bodies WHERE event_seq = ?`,
    `DELETE FROM posthorn_events WHERE seq = ?`,
  ],
}

const bodies: Kind = {
  select: `SELECT b.event_seq AS seq, b.event_seq, e.created_at AS written_at
    FROM posthorn_bodies b CROSS JOIN posthorn_events e ON e.seq = b.event_seq
    WHERE b.event_seq > ? ORDER BY b.event_seq LIMIT 200`,
  remove: [`DELETE FROM posthorn_bodies WHERE event_seq = ?`],
}

const attempts: Kind = {
  select: `SELECT a.seq, d.event_seq, a.recorded_at AS written_at
    FROM posthorn_attempts a CROSS JOIN posthorn_deliveries d ON d.id = a.delivery_id
    WHERE a.seq > ? ORDER BY a.seq LIMIT 200`,
  remove: [`DELETE FROM posthorn_attempts WHERE seq = ?`],
}

function* oldestFirst(connection: Connection, kind: Kind, after: number): Generator<OldRow> {
  for (let position = after; ;) {
    const rows = connection.all<OldRow>(kind.select, position)
    yield* rows
    const last = rows.at(-1)
    if (last === undefined) return
    position = last.seq
  }
}

function hasPending(connection: Connection, eventSeq: number): boolean {
  const sql = `SELECT 1 FROM posthorn_deliveries WHERE event_seq = ? AND phase IN ('ready', 'waiting', 'leased') LIMIT 1`
  return connection.first(sql, eventSeq) !== undefined
}

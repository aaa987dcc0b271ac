import type { PurgeQuery } from '../query.ts'
import type { PurgeResult } from '../storage.ts'
import type { Database } from './database.ts'
import type { Names } from './names.ts'
import { later } from './sql.ts'

// What one call looks at beyond what it removes: rows that stay because their event has a pending delivery.
const maxKept = 1000

/**
 * Removes what is older than asked, oldest first. Rows are looked at in the order of writing, and where a call stopped the
 * next one goes on, so that rows which have to stay are not looked at again and again.
 */
export class Purge {
  readonly #database: Database
  readonly #positions = new Map<Kind, number>()

  constructor(database: Database) {
    this.#database = database
  }

  async purge(query: PurgeQuery): Promise<PurgeResult> {
    const ages = [
      [events, query.eventsOlderThanMs],
      [bodies, query.bodiesOlderThanMs],
      [attempts, query.attemptsOlderThanMs],
    ] as const
    await this.#forgetKeys(query.limit)
    let removed = 0
    let isDone = true
    for (const [kind, olderThanMs] of ages) {
      if (olderThanMs === undefined) continue
      const part = await this.#purgeKind(kind, olderThanMs, query.limit - removed)
      removed += part.removed
      isDone &&= part.isDone
    }
    return { removed, isDone }
  }

  async #purgeKind(kind: Kind, olderThanMs: number, limit: number): Promise<PurgeResult> {
    const position = this.#positions.get(kind) ?? 0
    const found = await this.#database.one<Found>(
      `SELECT (SELECT count(*) FROM removable) AS "foundCount", (SELECT count(*) FROM removed) AS removed,
         (SELECT max(seq) FROM removable)::float8 AS "lastFound", (SELECT max(seq) FROM seen)::float8 AS "lastSeen",
         (SELECT count(*) FROM seen) AS "seenCount"`,
      [position, olderThanMs, limit],
      statement(this.#database.names, kind),
    )
    const isFull = found.foundCount === limit
    if (!isFull && found.seenCount < limit + maxKept) {
      this.#positions.delete(kind)
      return { removed: found.removed, isDone: true }
    }
    this.#positions.set(kind, (isFull ? found.lastFound : found.lastSeen) ?? position)
    return { removed: found.removed, isDone: false }
  }

  async #forgetKeys(limit: number): Promise<void> {
    const { idempotency, now } = this.#database.names
    await this.#database.execute(
      `DELETE FROM ${idempotency} f USING (
         SELECT tenant_id, key FROM ${idempotency} WHERE expires_at <= ${now} ORDER BY expires_at LIMIT $1::integer
         FOR UPDATE SKIP LOCKED
       ) old WHERE f.tenant_id = old.tenant_id AND f.key = old.key`,
      [limit],
    )
  }
}

/** What one statement met. */
interface Found {
  readonly foundCount: number
  readonly removed: number
  readonly lastFound: number | null
  readonly lastSeen: number | null
  readonly seenCount: number
}

/** What is removed: `row` gives its rows `seq, event_seq, written_at` behind a position; `remove` takes those of `safe`. */
interface Kind {
  readonly rows: (names: Names, after: string) => string
  readonly remove: (names: Names) => string
}

const events: Kind = {
  rows: (names, after) =>
    `SELECT seq, seq AS event_seq, created_at AS written_at FROM ${names.events} WHERE seq > ${after} ORDER BY seq`,
  remove: (names) => `removed_attempts AS (
     DELETE FROM ${names.attempts} WHERE delivery_id = ANY(ARRAY(
       SELECT held.id FROM held WHERE held.event_seq IN (SELECT event_seq FROM safe)
     ))
   ),
   removed_deliveries AS (DELETE FROM ${names.deliveries} WHERE event_seq = ANY(ARRAY(SELECT event_seq FROM safe))),
   removed_bodies AS (DELETE FROM ${names.bodies} WHERE event_seq = ANY(ARRAY(SELECT event_seq FROM safe))),
   removed AS (DELETE FROM ${names.events} WHERE seq = ANY(ARRAY(SELECT seq FROM safe)) RETURNING 1)`,
}

const bodies: Kind = {
  rows: (names, after) =>
    `SELECT b.event_seq AS seq, b.event_seq, e.created_at AS written_at FROM ${names.bodies} b
     CROSS JOIN LATERAL (SELECT created_at FROM ${names.events} WHERE seq = b.event_seq OFFSET 0) e
     WHERE b.event_seq > ${after} ORDER BY b.event_seq`,
  remove: (names) =>
    `removed AS (DELETE FROM ${names.bodies} WHERE event_seq = ANY(ARRAY(SELECT seq FROM safe)) RETURNING 1)`,
}

const attempts: Kind = {
  rows: (names, after) =>
    `SELECT a.seq, d.event_seq, a.recorded_at AS written_at FROM ${names.attempts} a
     CROSS JOIN LATERAL (SELECT event_seq FROM ${names.deliveries} WHERE id = a.delivery_id OFFSET 0) d
     WHERE a.seq > ${after} ORDER BY a.seq`,
  remove: (names) =>
    `removed AS (DELETE FROM ${names.attempts} WHERE seq = ANY(ARRAY(SELECT seq FROM safe)) RETURNING 1)`,
}

/**
 * `seen`: the rows from the position on, as far as the first that is too young. `removable`: those without a pending delivery. `safe`:
 * those that are without one still when all their deliveries are locked, because somebody may just have requeued one.
 */
function statement(names: Names, { rows, remove }: Kind): string {
  const { deliveries, wall } = names
  const pending = `phase IN ('ready', 'waiting', 'leased')`
  const isOld = `written_at < ${later(wall, '- $2::float8')}`
  const bounded = `(${rows(names, '$1::bigint')} LIMIT $3::integer + ${maxKept}) r`
  return `WITH young AS MATERIALIZED (SELECT seq FROM ${bounded} WHERE NOT (${isOld}) ORDER BY seq LIMIT 1),
   seen AS MATERIALIZED (
     SELECT seq, event_seq FROM ${bounded} WHERE seq < coalesce((SELECT seq FROM young), ${maxSeq})
   ),
   removable AS MATERIALIZED (
     SELECT seq, event_seq FROM seen
     WHERE (SELECT 1 FROM ${deliveries} d WHERE d.event_seq = seen.event_seq AND ${pending} LIMIT 1) IS NULL
     ORDER BY seq LIMIT $3::integer
   ),
   held AS MATERIALIZED (
     SELECT id, event_seq, phase FROM ${deliveries} WHERE event_seq = ANY(ARRAY(SELECT event_seq FROM removable)) ORDER BY id FOR UPDATE
   ),
   safe AS MATERIALIZED (
     SELECT seq, event_seq FROM removable WHERE event_seq NOT IN (SELECT event_seq FROM held WHERE ${pending})
   ),
   ${remove(names)}`
}

const maxSeq = '9223372036854775807'

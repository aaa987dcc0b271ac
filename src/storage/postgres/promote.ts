import type { Database } from './database.ts'
import type { DueFloor } from './due-floors.ts'
import { idsOf, instant, ms } from './sql.ts'

// What one call moves at most: some milliseconds of work.
const chunk = 1000

/** What there is to do after a promotion. */
export interface Promotion {
  /** Whether anything is ready now. */
  readonly hasReady: boolean
  /** Whether there may be more to promote. */
  readonly isMore: boolean
  /** Until the next delivery comes due or a lease runs out, in milliseconds; null where nothing is to come. */
  readonly nextDueInMs: number | null
}

/** Makes ready what has come due and what a dead holder left, the longest due first, and those of `ids` in any case. */
export async function promote(database: Database, floor: DueFloor, ids: readonly string[] = []): Promise<Promotion> {
  const { deliveries, now } = database.names
  const isDue = `phase IN ('waiting', 'leased') AND due_at <= ${now}`
  const row = await database.one<{ promoted: number; hasReady: boolean; nextDueInMs: number | null }>(
    `SELECT (SELECT count(*) FROM promoted) AS promoted, ${nextDue(database)} AS "nextDueInMs",
       (
         SELECT webhook_id FROM ${deliveries} WHERE phase = 'ready' AND due_at >= ${instant('$3::float8')}
         ORDER BY webhook_id LIMIT 1
       ) IS NOT NULL AS "hasReady"`,
    [JSON.stringify(ids), floor.waitingMs, floor.readyMs],
    `WITH due AS MATERIALIZED (
       SELECT id FROM ${deliveries} WHERE ${isDue} AND due_at >= ${instant('$2::float8')}
       ORDER BY due_at LIMIT ${chunk} FOR UPDATE SKIP LOCKED
     ),
     named AS MATERIALIZED (
       SELECT id FROM ${deliveries} WHERE id = ANY(ARRAY(${idsOf('$1')})) AND ${isDue} FOR UPDATE SKIP LOCKED
     ),
     promoted AS (
       UPDATE ${deliveries} SET phase = 'ready', lease = NULL
       WHERE id = ANY(ARRAY(SELECT id FROM due UNION SELECT id FROM named)) RETURNING 1
     )`,
  )
  const { promoted, nextDueInMs } = row
  return { hasReady: row.hasReady || promoted > 0, isMore: promoted >= chunk, nextDueInMs }
}

/** Until the first instant that is to come, as SQL. */
function nextDue({ names: { deliveries, now } }: Database): string {
  const next = `SELECT due_at FROM ${deliveries} WHERE phase IN ('waiting', 'leased') AND due_at > ${now} ORDER BY due_at LIMIT 1`
  return ms(`((${next}) - ${now})`)
}

import { idsOf, instant, ms } from './sql.ts'
import { answerRow, type FunctionNames, StoredFunction } from './stored-function.ts'

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

/**
 * Makes ready what has come due and what a dead holder left, the longest due first, and those of the ids `$1` in any case; answers a
 * {@link Promotion}. Nothing waits since before `$2`, or is ready since before `$3`, both in milliseconds since 1970.
 */
export const promoteFunction = new StoredFunction('promote', ['text', 'float8', 'float8'], (names) => {
  const { deliveries, now } = names
  const isDue = `phase IN ('waiting', 'leased') AND due_at <= ${now}`
  return answerRow(
    `SELECT p.count >= ${chunk} AS "isMore", ${nextDue(names)} AS "nextDueInMs",
       p.count > 0 OR (
         SELECT webhook_id FROM ${deliveries} WHERE phase = 'ready' AND due_at >= ${instant('$3')} ORDER BY webhook_id LIMIT 1
       ) IS NOT NULL AS "hasReady"
     FROM (SELECT count(*) FROM promoted) p`,
    `WITH due AS MATERIALIZED (
       SELECT id FROM ${deliveries} WHERE ${isDue} AND due_at >= ${instant('$2')}
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
})

/** Until the first instant that is to come, as SQL. */
function nextDue({ deliveries, now }: FunctionNames): string {
  const next = `SELECT due_at FROM ${deliveries} WHERE phase IN ('waiting', 'leased') AND due_at > ${now} ORDER BY due_at LIMIT 1`
  return ms(`((${next}) - ${now})`)
}

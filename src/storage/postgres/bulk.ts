import type { CancelQuery, RequeueQuery } from '../query.ts'
import type { BulkResult } from '../storage.ts'
import type { SqlParameter } from '../sql-executor.ts'
import type { Database } from './database.ts'
import type { DeliveryQuery } from '../delivery-query.ts'
import { whereDelivery } from './delivery-filter.ts'
import { isNotified, later, notified } from './sql.ts'
import { assertStorable } from './storable-text.ts'

/** Makes final deliveries due again, spread evenly at random over `spreadMs`. */
export function requeue(database: Database, query: RequeueQuery): Promise<BulkResult> {
  const { deliveries, now, channel } = database.names
  return change(database, query, `d.phase IN ('succeeded', 'failed', 'cancelled', 'skipped')`, {
    value: query.spreadMs ?? 0,
    sql: (spreadMs) => `delayed AS MATERIALIZED (
       SELECT id, floor(random() * ${spreadMs}::float8) AS ms FROM locked
     ), changed AS (
       UPDATE ${deliveries} d SET phase = CASE WHEN delayed.ms > 0 THEN 'waiting' ELSE 'ready' END,
         due_at = ${later(now, 'delayed.ms')}, reason = NULL, finished_at = NULL, is_manual = true,
         attempts_before = d.attempt_count, claim_count = 0
       FROM delayed WHERE d.id = delayed.id AND d.id = ANY(ARRAY(SELECT id FROM locked)) RETURNING d.phase
     )${channel === null ? '' : `, ${notified(channel, `changed WHERE phase = 'ready'`)}`}`,
    isNotifying: channel !== null,
  })
}

/** Cancels pending deliveries that nobody holds. */
export async function cancel(database: Database, query: CancelQuery): Promise<BulkResult> {
  const { deliveries, now, wall } = database.names
  assertStorable('reason', query.reason)
  const isFree = `(d.phase IN ('ready', 'waiting') OR (d.phase = 'leased' AND d.due_at <= ${now}))`
  return await change(database, query, isFree, {
    value: query.reason,
    sql: (reason) => `changed AS (
       UPDATE ${deliveries} SET phase = 'cancelled', reason = ${reason}::text, finished_at = ${wall}, due_at = NULL, lease = NULL
       WHERE id = ANY(ARRAY(SELECT id FROM locked)) RETURNING 1
     )`,
  })
}

/** What is done to the deliveries `locked`. */
interface Change {
  readonly value: SqlParameter
  /** A common table expression `changed`; gets the name of the bound value. */
  readonly sql: (value: string) => string
  /** Whether it has a `notified` beside. */
  readonly isNotifying?: boolean
}

async function change(
  database: Database,
  query: DeliveryQuery & { readonly limit: number },
  isChangeable: string,
  { value, sql, isNotifying = false }: Change,
): Promise<BulkResult> {
  const where = await whereDelivery(database, { ...query, order: 'asc' }, isChangeable)
  const limit = `${where.conditions.bind(query.limit)}::integer`
  const changed = sql(where.conditions.bind(value))
  // Asked again under the lock, whether somebody else was quicker.
  const found = await database.one<{ count: number; isMore: boolean; last: string | null }>(
    `SELECT (SELECT count(*) FROM changed) AS count, (SELECT count(*) FROM found) > ${limit} AS "isMore",
       (SELECT id FROM chosen ORDER BY id DESC LIMIT 1) AS last${isNotifying ? ` WHERE ${isNotified}` : ''}`,
    where.conditions.params,
    `WITH found AS MATERIALIZED (
       SELECT d.id FROM ${where.deliveries} CROSS JOIN ${where.event} WHERE ${where.condition} ORDER BY d.id LIMIT ${limit} + 1
     ),
     chosen AS MATERIALIZED (SELECT id FROM found ORDER BY id LIMIT ${limit}),
     locked AS MATERIALIZED (
       SELECT d.id FROM ${database.names.deliveries} d
       WHERE d.id = ANY(ARRAY(SELECT id FROM chosen)) AND ${isChangeable} ORDER BY d.id FOR UPDATE
     ), ${changed}`,
  )
  return { count: found.count, nextCursor: found.isMore ? found.last : where.lastSeen }
}

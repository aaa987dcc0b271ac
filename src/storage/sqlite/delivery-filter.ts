import { decodeCursor } from '../cursor.ts'
import { hasFilter, type DeliveryQuery, undeliveredState } from '../delivery-query.ts'
import { maxDeliveriesSeen } from '../max-seen.ts'
import { Conditions, type Condition } from './conditions.ts'
import type { Connection } from './connection.ts'
import { isUndelivered } from './schema.ts'
import type { SqliteValue } from './sqlite-value.ts'

/** The filter as SQL over deliveries `d` and their events `e`. */
export interface Where {
  /** FROM and WHERE. */
  readonly sql: string
  readonly values: SqliteValue[]
  /** Where the query stops looking, as a cursor; null where it looks at all that there is. */
  readonly lastSeen: string | null
}

/** Makes a filter SQL. One call sees a bounded number of deliveries, however few of them fit. */
export function whereDelivery(connection: Connection, query: DeliveryQuery, condition?: Condition): Where {
  const from = `FROM posthorn_deliveries d ${indexFor(query)}`
  const isAscending = query.order === 'asc'
  const where = new Conditions()
  const undelivered = undeliveredState(query)
  if (query.webhookId !== undefined) where.add('d.webhook_id = ?', query.webhookId)
  // The tenant is no part of the webhook's index, and the bound is to be found without looking into rows.
  const isTenantKnown = query.webhookId === undefined || undelivered !== null
  if (isTenantKnown) where.add('d.tenant_id = ?', query.tenantId)
  // SQLite takes a partial index only where its own condition stands in the query.
  if (undelivered !== null) where.add(`d.phase = ? AND d.${isUndelivered}`, undelivered)
  where.startAfter('d.id', decodeCursor(query.cursor), isAscending)
  const isFiltered = condition !== undefined || hasFilter(query)
  const isNarrow = query.eventId !== undefined || query.ids !== undefined
  const most = maxDeliveriesSeen(query, condition !== undefined)
  const listing = { from, idColumn: 'd.id', isAscending }
  const seen = isFiltered && !isNarrow ? where.stopAfter(most, connection, listing) : null
  const lastSeen = seen !== null && (isTenantKnown || isOwn(connection, seen, query)) ? seen : null

  if (!isTenantKnown) where.add('d.tenant_id = ?', query.tenantId)
  if (query.ids !== undefined) where.add('d.id IN (SELECT value FROM json_each(?))', JSON.stringify(query.ids))
  if (query.eventId !== undefined) {
    const eventSeq = 'SELECT seq FROM posthorn_events WHERE tenant_id = ? AND id = ?'
    where.add(`d.event_seq = (${eventSeq})`, query.tenantId, query.eventId)
  }
  if (query.state === 'pending') where.add(`d.phase IN ('ready', 'waiting', 'leased')`)
  else if (query.state !== undefined && undelivered === null) where.add('d.phase = ?', query.state)
  if (query.type !== undefined) where.add('e.type = ?', query.type)
  if (query.after !== undefined) where.add('d.created_at >= ?', query.after.getTime())
  if (query.before !== undefined) where.add('d.created_at < ?', query.before.getTime())
  if (condition !== undefined) where.add(...condition)
  // CROSS JOIN keeps the deliveries first.
  const sql = `${from} CROSS JOIN posthorn_events e ON e.seq = d.event_seq WHERE ${where.sql}`
  return { sql, values: where.values, lastSeen }
}

/** Whether a delivery may be named to the tenant: by the id of a webhook, those of another may have been looked through. */
function isOwn(connection: Connection, id: string, { tenantId }: DeliveryQuery): boolean {
  return (
    connection.first('SELECT 1 FROM posthorn_deliveries WHERE id = ? AND tenant_id = ?', id, tenantId) !== undefined
  )
}

// Named, because the planner takes the index of the tenant, which is in the right order, over those that find far less.
function indexFor(query: DeliveryQuery): string {
  if (query.ids !== undefined) return ''
  if (query.eventId !== undefined) return 'INDEXED BY posthorn_deliveries_of_event'
  if (undeliveredState(query) !== null)
    return `INDEXED BY posthorn_deliveries_undelivered${query.webhookId === undefined ? '' : '_of_webhook'}`
  return `INDEXED BY posthorn_deliveries_${query.webhookId === undefined ? 'listed' : 'of_webhook'}`
}

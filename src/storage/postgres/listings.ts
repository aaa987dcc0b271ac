import type { Attempt, Delivery, Page, WebhookEvent } from '../../domain/delivery.ts'
import { decodeCursor, decodeNumberCursor, pageOf } from '../cursor.ts'
import { maxEventsSeen } from '../max-seen.ts'
import type { ListAttempts, ListDeliveries, ListEvents } from '../query.ts'
import { attemptColumns, type AttemptRow, toAttempt } from './attempt-row.ts'
import { Conditions } from './conditions.ts'
import type { Database } from './database.ts'
import { whereDelivery } from './delivery-filter.ts'
import { deliveryColumns, type DeliveryRow, toDelivery } from './delivery-row.ts'
import { eventColumns, type EventRow, toEvent } from './event-row.ts'
import { lastSeenOf } from './last-seen.ts'
import type { Names } from './names.ts'
import { instant } from './sql.ts'
import { isId } from '../../domain/id.ts'

export async function getEvent(database: Database, id: string, tenantId: string): Promise<WebhookEvent | null> {
  if (!isId(id)) return null
  const row = await database.first<EventRow>(
    `${selectEvent(database.names)} WHERE e.tenant_id = $1::text AND e.id = $2::uuid`,
    [tenantId, id],
  )
  return row === undefined ? null : toEvent(row)
}

export async function getDelivery(database: Database, id: string, tenantId: string): Promise<Delivery | null> {
  if (!isId(id)) return null
  const { deliveries, events } = database.names
  const row = await database.first<DeliveryRow>(
    `SELECT ${deliveryColumns(database.names)} FROM ${deliveries} d JOIN ${events} e ON e.seq = d.event_seq
     WHERE d.id = $1::uuid AND d.tenant_id = $2::text`,
    [id, tenantId],
  )
  return row === undefined ? null : toDelivery(row)
}

export async function listEvents(database: Database, query: ListEvents): Promise<Page<WebhookEvent>> {
  const { tenantId, type, after, before } = query
  const isAscending = query.order === 'asc'
  const where = new Conditions()
  where.add((id) => `e.tenant_id = ${id}::text`, tenantId)
  where.startAfter('e.id', decodeCursor(query.cursor), isAscending)
  const isFiltered = [type, after, before].some((filter) => filter !== undefined)
  const table = `${database.names.events} e`
  const lastSeen = isFiltered ? await lastSeenOf(database, table, 'e.id', where, isAscending, maxEventsSeen) : null
  if (type !== undefined) where.add((value) => `e.type = ${value}::text`, type)
  if (after !== undefined) where.add((at) => `e.created_at >= ${instant(`${at}::float8`)}`, after.getTime())
  if (before !== undefined) where.add((at) => `e.created_at < ${instant(`${at}::float8`)}`, before.getTime())
  const rows = await database.all<EventRow>(
    `${selectEvent(database.names)} WHERE ${where.sql}
     ORDER BY e.id ${isAscending ? 'ASC' : 'DESC'} LIMIT ${where.bind(query.limit + 1)}::integer`,
    where.params,
  )
  const { data, nextCursor } = pageOf(rows.map(toEvent), query.limit, (event) => event.id)
  return { data, nextCursor: nextCursor ?? lastSeen }
}

export async function listDeliveries(database: Database, query: ListDeliveries): Promise<Page<Delivery>> {
  const { deliveries, event, condition, conditions, lastSeen } = await whereDelivery(database, query)
  const limit = conditions.bind(query.limit + 1)
  const page = `ORDER BY d.id ${query.order === 'asc' ? 'ASC' : 'DESC'} LIMIT ${limit}::integer`
  // Without a filter of events, the page is cut before they are read: a planner that has no statistics yet may read more than a page.
  const from =
    query.type === undefined
      ? `(SELECT d.* FROM ${deliveries} WHERE ${condition} ${page}) d CROSS JOIN ${event}`
      : `${deliveries} CROSS JOIN ${event} WHERE ${condition}`
  const rows = await database.all<DeliveryRow>(
    `SELECT ${deliveryColumns(database.names)} FROM ${from} ${page}`,
    conditions.params,
  )
  const { data, nextCursor } = pageOf(rows.map(toDelivery), query.limit, (delivery) => delivery.id)
  return { data, nextCursor: nextCursor ?? lastSeen }
}

export async function listAttempts(database: Database, query: ListAttempts): Promise<Page<Attempt>> {
  const { deliveries, attempts } = database.names
  const isDescending = query.order === 'desc'
  const cursor = decodeNumberCursor(query.cursor)
  if (!isId(query.deliveryId)) return { data: [], nextCursor: null }
  const rows = await database.all<AttemptRow>(
    `SELECT ${attemptColumns} FROM ${attempts} a
     WHERE a.delivery_id = (SELECT id FROM ${deliveries} WHERE id = $1::uuid AND tenant_id = $2::text)
       AND a.number ${isDescending ? '<' : '>'} $3::float8
     ORDER BY a.number ${isDescending ? 'DESC' : 'ASC'} LIMIT $4::integer`,
    [query.deliveryId, query.tenantId, cursor ?? (isDescending ? Number.MAX_SAFE_INTEGER : 0), query.limit + 1],
  )
  return pageOf(rows.map(toAttempt), query.limit, (attempt) => String(attempt.number))
}

function selectEvent({ events, bodies }: Names): string {
  return `SELECT ${eventColumns} FROM ${events} e LEFT JOIN ${bodies} b ON b.event_seq = e.seq`
}

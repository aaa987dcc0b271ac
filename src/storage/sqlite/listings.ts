import type { Attempt, Delivery, Page, WebhookEvent } from '../../domain/delivery.ts'
import { decodeCursor, decodeNumberCursor, pageOf } from '../cursor.ts'
import { maxEventsSeen } from '../max-seen.ts'
import type { DeliveryFilter, PageQuery } from '../query.ts'
import type { Now } from '../steady-clock.ts'
import type { Storage } from '../storage.ts'
import { toAttempt, type AttemptRow } from './attempt-row.ts'
import { Conditions } from './conditions.ts'
import type { Connection } from './connection.ts'
import { whereDelivery } from './delivery-filter.ts'
import { deliveryColumns, toDelivery, type DeliveryRow } from './delivery-row.ts'
import { eventColumns, toEvent, type EventRow } from './event-row.ts'

const selectEvent = `SELECT ${eventColumns} FROM posthorn_events e LEFT JOIN posthorn_bodies b ON b.event_seq = e.seq`

export function getEvent(connection: Connection, id: string, tenantId: string): WebhookEvent | null {
  const row = connection.first<EventRow>(`${selectEvent} WHERE e.tenant_id = ? AND e.id = ?`, tenantId, id)
  return row === undefined ? null : toEvent(row)
}

export function getDelivery(connection: Connection, id: string, tenantId: string, now: Now): Delivery | null {
  const row = connection.first<DeliveryRow>(
    `SELECT ${deliveryColumns} FROM posthorn_deliveries d CROSS JOIN posthorn_events e ON e.seq = d.event_seq
     WHERE d.id = ? AND d.tenant_id = ?`,
    id,
    tenantId,
  )
  return row === undefined ? null : toDelivery(row, now)
}

export function listEvents(connection: Connection, query: Parameters<Storage['listEvents']>[0]): Page<WebhookEvent> {
  const { tenantId, type, after, before } = query
  const isAscending = query.order === 'asc'
  const where = new Conditions()
  where.add('e.tenant_id = ?', tenantId)
  where.startAfter('e.id', decodeCursor(query.cursor), isAscending)
  const isFiltered = [type, after, before].some((filter) => filter !== undefined)
  const listing = { from: 'FROM posthorn_events e', idColumn: 'e.id', isAscending }
  const lastSeen = isFiltered ? where.stopAfter(maxEventsSeen, connection, listing) : null
  if (type !== undefined) where.add('e.type = ?', type)
  if (after !== undefined) where.add('e.created_at >= ?', after.getTime())
  if (before !== undefined) where.add('e.created_at < ?', before.getTime())
  const rows = connection.all<EventRow>(
    `${selectEvent} WHERE ${where.sql} ORDER BY e.id ${isAscending ? 'ASC' : 'DESC'} LIMIT ?`,
    ...where.values,
    query.limit + 1,
  )
  const { data, nextCursor } = pageOf(rows.map(toEvent), query.limit, (event) => event.id)
  return { data, nextCursor: nextCursor ?? lastSeen }
}

export function listDeliveries(
  connection: Connection,
  query: PageQuery & DeliveryFilter & { readonly tenantId: string },
  now: Now,
): Page<Delivery> {
  const where = whereDelivery(connection, query)
  const rows = connection.all<DeliveryRow>(
    `SELECT ${deliveryColumns} ${where.sql} ORDER BY d.id ${query.order === 'asc' ? 'ASC' : 'DESC'} LIMIT ?`,
    ...where.values,
    query.limit + 1,
  )
  const deliveries = rows.map((row) => toDelivery(row, now))
  const { data, nextCursor } = pageOf(deliveries, query.limit, (delivery) => delivery.id)
  return { data, nextCursor: nextCursor ?? where.lastSeen }
}

export function listAttempts(
  connection: Connection,
  query: PageQuery & { readonly tenantId: string; readonly deliveryId: string },
): Page<Attempt> {
  const isDescending = query.order === 'desc'
  const cursor = decodeNumberCursor(query.cursor)
  const owned = 'SELECT 1 FROM posthorn_deliveries WHERE id = ? AND tenant_id = ?'
  if (connection.first(owned, query.deliveryId, query.tenantId) === undefined) return { data: [], nextCursor: null }
  const rows = connection.all<AttemptRow>(
    `SELECT * FROM posthorn_attempts WHERE delivery_id = ? AND number ${isDescending ? '<' : '>'} ?
     ORDER BY number ${isDescending ? 'DESC' : 'ASC'} LIMIT ?`,
    query.deliveryId,
    cursor ?? (isDescending ? Number.MAX_SAFE_INTEGER : 0),
    query.limit + 1,
  )
  return pageOf(rows.map(toAttempt), query.limit, (attempt) => String(attempt.number))
}

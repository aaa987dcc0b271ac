import type { Delivery, Page, WebhookEvent } from '../../domain/delivery.ts'
import { decodeCursor, pageOf } from '../cursor.ts'
import type { DeliveryFilter, PageQuery } from '../query.ts'
import type { Storage } from '../storage.ts'
import { toDelivery } from './delivery-row.ts'
import { toEvent } from './event-row.ts'
import type { DeliveryRow } from './rows.ts'
import type { Tables } from './tables.ts'

/** Which deliveries a method is about. */
export type DeliverySelection = DeliveryFilter & { readonly tenantId: string; readonly ids?: readonly string[] }

export function listEvents(tables: Tables, query: Parameters<Storage['listEvents']>[0]): Page<WebhookEvent> {
  const { tenantId, type } = query
  const rows = tables.eventsByTenant.walk(tenantId, decodeCursor(query.cursor), query.order ?? 'desc')
  const page = pageWhere(rows, query, (row) => (type === undefined || row.type === type) && isWithin(row, query))
  return { ...page, data: page.data.map(toEvent) }
}

export function listDeliveries(
  tables: Tables,
  query: Parameters<Storage['listDeliveries']>[0],
  nowMs: number,
): Page<Delivery> {
  const rows = walkDeliveries(tables, query, decodeCursor(query.cursor), query.order ?? 'desc')
  const page = pageWhere(rows, query, (row) => isSelected(row, query))
  return { ...page, data: page.data.map((row) => toDelivery(row, nowMs)) }
}

/** Walks the narrowest list that holds all selected deliveries; not all of it need be selected. */
export function walkDeliveries(
  tables: Tables,
  selection: DeliverySelection,
  cursor: string | null,
  order: 'asc' | 'desc',
): Iterable<DeliveryRow> {
  const { ids, eventId, webhookId, tenantId } = selection
  if (ids !== undefined)
    return walkFew(
      [...new Set(ids)].flatMap((id) => tables.findDelivery(id) ?? []),
      cursor,
      order,
    )
  if (eventId !== undefined) {
    const rows = tables.findEvent(eventId, tenantId)?.deliveries ?? []
    return walkFew(
      rows.filter((row) => !row.isRemoved),
      cursor,
      order,
    )
  }
  if (webhookId !== undefined) return tables.deliveriesByWebhook.walk(webhookId, cursor, order)
  return tables.deliveriesByTenant.walk(tenantId, cursor, order)
}

/** Says whether a delivery is the tenant's and fits every filter. */
export function isSelected(row: DeliveryRow, selection: DeliverySelection): boolean {
  const { tenantId, webhookId, eventId, state, type } = selection
  return (
    row.event.tenantId === tenantId &&
    (webhookId === undefined || row.webhookId === webhookId) &&
    (eventId === undefined || row.event.id === eventId) &&
    (state === undefined || row.state === state) &&
    (type === undefined || row.event.type === type) &&
    isWithin(row, selection)
  )
}

/** Collects the rows that fit until the page is full. */
export function pageWhere<T extends { readonly id: string }>(
  rows: Iterable<T>,
  query: PageQuery,
  isIncluded: (row: T) => boolean,
): Page<T> {
  const included: T[] = []
  for (const row of rows) {
    if (!isIncluded(row)) continue
    included.push(row)
    if (included.length > query.limit) break
  }
  return pageOf(included, query.limit, (row) => row.id)
}

function walkFew(rows: DeliveryRow[], cursor: string | null, order: 'asc' | 'desc'): DeliveryRow[] {
  const sorted = rows.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  if (order === 'asc') return sorted.filter((row) => cursor === null || row.id > cursor)
  return sorted.toReversed().filter((row) => cursor === null || row.id < cursor)
}

function isWithin(
  row: { readonly createdAtMs: number },
  range: { readonly after?: Date; readonly before?: Date },
): boolean {
  if (range.after !== undefined && row.createdAtMs < range.after.getTime()) return false
  return range.before === undefined || row.createdAtMs < range.before.getTime()
}

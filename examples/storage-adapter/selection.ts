import type { DeliveryFilter } from 'posthorn'
import type { DeliveryRow } from './document.ts'

/** Says whether a delivery is the tenant's and fits every filter that is given. */
export function isSelected(
  row: DeliveryRow,
  query: DeliveryFilter & { readonly tenantId: string; readonly ids?: readonly string[] },
): boolean {
  const { tenantId, ids, webhookId, eventId, state, type } = query
  return (
    row.tenantId === tenantId &&
    (ids === undefined || ids.includes(row.id)) &&
    (webhookId === undefined || row.webhookId === webhookId) &&
    (eventId === undefined || row.eventId === eventId) &&
    (state === undefined || row.state === state) &&
    (type === undefined || row.type === type) &&
    isWithin(row, query)
  )
}

/** Says whether a row was written at `after` or later, and before `before`. */
export function isWithin(
  { createdAt }: { readonly createdAt: Date },
  { after, before }: { readonly after?: Date; readonly before?: Date },
): boolean {
  return (after === undefined || createdAt >= after) && (before === undefined || createdAt < before)
}

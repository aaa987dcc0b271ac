import type { WebhookEvent } from '../../domain/delivery.ts'
import { ms } from './sql.ts'

/** An event as {@link eventColumns} reads it. */
export type EventRow = Omit<WebhookEvent, 'createdAt'> & { readonly createdAt: number }

/** The columns of an event `e` with its body `b`. */
export const eventColumns = `e.id, e.tenant_id AS "tenantId", e.type, b.body, e.content_type AS "contentType",
  e.idempotency_key AS "idempotencyKey", ${ms('e.created_at')} AS "createdAt"`

/** Makes an event of a row. */
export function toEvent(row: EventRow): WebhookEvent {
  return { ...row, createdAt: new Date(row.createdAt) }
}

import type { WebhookEvent } from '../../domain/delivery.ts'
import { fromStoredText } from './stored-text.ts'

/** What {@link eventColumns} reads. */
export interface EventRow {
  readonly event_id: string
  readonly tenant_id: string
  readonly type: string
  readonly body: string | Uint8Array | null
  readonly content_type: string
  readonly idempotency_key: string | null
  readonly event_created_at: number
}

/** The columns of an event `e` with its body `b`. */
export const eventColumns = `e.id AS event_id, e.tenant_id, e.type, b.body, e.content_type, e.idempotency_key,
  e.created_at AS event_created_at`

/** Makes an event of a row. */
export function toEvent(row: EventRow): WebhookEvent {
  return {
    id: row.event_id,
    tenantId: row.tenant_id,
    type: row.type,
    body: row.body === null ? null : fromStoredText(row.body),
    contentType: row.content_type,
    idempotencyKey: row.idempotency_key,
    createdAt: new Date(row.event_created_at),
  }
}

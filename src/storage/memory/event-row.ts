import type { WebhookEvent } from '../../domain/delivery.ts'
import type { NewEvent } from '../storage.ts'
import type { EventRow } from './rows.ts'

export function newEventRow(event: NewEvent, nowMs: number): EventRow {
  return {
    id: event.id,
    tenantId: event.tenantId,
    type: event.type,
    body: event.body,
    contentType: event.contentType,
    idempotencyKey: event.idempotencyKey ?? null,
    createdAtMs: nowMs,
    deliveries: [],
    keptCount: 0,
    pendingCount: 0,
    historyNode: null,
    historySize: 0,
    isRemoved: false,
  }
}

export function toEvent(row: EventRow): WebhookEvent {
  const { id, tenantId, type, body, contentType, idempotencyKey } = row
  return { id, tenantId, type, body, contentType, idempotencyKey, createdAt: new Date(row.createdAtMs) }
}

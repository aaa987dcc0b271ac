import { PosthornError, type Claimed, type EnqueueResult, type NewDelivery, type NewEvent } from 'posthorn'
import { lease } from './claim.ts'
import { type DeliveryRow, type Document, eventKey } from './document.ts'

/** Writes events with their deliveries and leases some of them. A throw writes nothing: see `DocumentFile`. */
export function enqueue(
  document: Document,
  events: readonly NewEvent[],
  claimFor: { readonly leaseMs: number; readonly limit: number } | undefined,
  nowMs: number,
): { results: EnqueueResult[]; claimed: Claimed[] } {
  for (const [name, { expiresAtMs }] of document.keys) if (expiresAtMs <= nowMs) document.keys.delete(name)
  const written: DeliveryRow[] = []
  const results = events.map((event) => enqueueOne(document, event, written, nowMs))
  return { results, claimed: claimFor === undefined ? [] : lease(document, written, claimFor, nowMs) }
}

function enqueueOne(document: Document, event: NewEvent, written: DeliveryRow[], nowMs: number): EnqueueResult {
  const { id, tenantId, type, body, contentType, idempotencyKey, bodyHash, idempotencyTtlMs = 0 } = event
  const key = eventKey(tenantId, id)
  if (document.events.has(key)) return { id, status: 'accepted' } // a call whose answer was lost may be repeated
  if (idempotencyKey !== undefined) {
    const name = JSON.stringify([tenantId, idempotencyKey])
    const first = document.keys.get(name)
    if (first !== undefined) {
      return { id: first.eventId, status: first.bodyHash === bodyHash ? 'duplicate' : 'conflict' }
    }
    document.keys.set(name, { eventId: id, bodyHash, expiresAtMs: nowMs + idempotencyTtlMs })
  }
  const createdAt = new Date(nowMs)
  document.events.set(key, { id, tenantId, type, body, contentType, idempotencyKey: idempotencyKey ?? null, createdAt })
  for (const delivery of event.deliveries) {
    if (document.deliveries.has(delivery.id)) {
      throw new PosthornError('CONFLICT', `Delivery ${delivery.id} exists already: nothing was written.`)
    }
    const row = newRow(delivery, event, nowMs)
    document.deliveries.set(row.id, row)
    written.push(row)
  }
  return { id, status: 'accepted' }
}

function newRow(delivery: NewDelivery, event: NewEvent, nowMs: number): DeliveryRow {
  const isSkipped = delivery.skip !== undefined
  return {
    id: delivery.id,
    eventId: event.id,
    webhookId: delivery.webhookId,
    tenantId: event.tenantId,
    type: event.type,
    createdAt: new Date(nowMs),
    state: isSkipped ? 'skipped' : 'pending',
    reason: delivery.skip ?? null,
    dueAtMs: nowMs + (event.delayMs ?? 0),
    lease: null,
    trigger: 'auto',
    attemptCount: 0,
    attemptsBefore: 0,
    claimCount: 0,
    lastStatus: null,
    finishedAt: isSkipped ? new Date(nowMs) : null,
    attempts: [],
  }
}

import { PosthornError } from '../../domain/error.ts'
import type { EnqueueResult, NewEvent } from '../storage.ts'
import type { RememberedKey } from './idempotency-keys.ts'
import type { Tables } from './tables.ts'

/** Writes all of the events or, where one cannot be written, none: everything is checked before anything is changed. */
export function enqueue(tables: Tables, events: readonly NewEvent[], nowMs: number): Enqueued {
  const enqueued = check(tables, events, nowMs)
  for (const event of enqueued.written) write(tables, event, nowMs)
  tables.keys.forgetExpired(nowMs)
  return enqueued
}

/** What became of each event, and those that were new. */
export interface Enqueued {
  readonly results: EnqueueResult[]
  readonly written: NewEvent[]
}

function check(tables: Tables, events: readonly NewEvent[], nowMs: number): Enqueued {
  const enqueued: Enqueued = { results: [], written: [] }
  const eventIds = new Set<string>()
  const deliveryIds = new Set<string>()
  const keys = new Map<string, RememberedKey>()
  for (const event of events) {
    const { id, tenantId, idempotencyKey } = event
    if (eventIds.has(id) || tables.events.has(id)) {
      enqueued.results.push({ id, status: 'accepted' })
      continue
    }
    if (idempotencyKey !== undefined) {
      const name = JSON.stringify([tenantId, idempotencyKey])
      const first = keys.get(name) ?? tables.keys.find(tenantId, idempotencyKey, nowMs)
      if (first !== undefined) {
        enqueued.results.push({
          id: first.eventId,
          status: first.bodyHash === event.bodyHash ? 'duplicate' : 'conflict',
        })
        continue
      }
      keys.set(name, { eventId: id, bodyHash: event.bodyHash })
    }
    for (const delivery of event.deliveries) {
      if (deliveryIds.has(delivery.id) || tables.deliveries.has(delivery.id)) throw takenId(delivery.id)
      deliveryIds.add(delivery.id)
    }
    eventIds.add(id)
    enqueued.written.push(event)
    enqueued.results.push({ id, status: 'accepted' })
  }
  return enqueued
}

function takenId(id: string): PosthornError {
  return new PosthornError(
    'CONFLICT',
    `Delivery ${id} exists already, so nothing was written. Give every delivery a new id.`,
  )
}

function write(tables: Tables, event: NewEvent, nowMs: number): void {
  const { idempotencyKey, bodyHash, idempotencyTtlMs = 0, delayMs = 0 } = event
  const row = tables.addEvent(event, nowMs)
  for (const delivery of event.deliveries) tables.addDelivery(delivery, row, nowMs + delayMs, nowMs)
  // Only now: what ends may be forgotten at once, and its event with it.
  for (const { id, skip } of event.deliveries) {
    const delivery = skip === undefined ? undefined : tables.deliveries.get(id)
    if (skip !== undefined && delivery !== undefined) tables.finish(delivery, 'skipped', skip, nowMs)
  }
  if (idempotencyKey !== undefined) {
    tables.keys.remember(event.tenantId, idempotencyKey, { eventId: event.id, bodyHash }, nowMs + idempotencyTtlMs)
  }
}

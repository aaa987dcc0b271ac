import { PosthornError } from '../../domain/error.ts'
import type { ClaimNew } from '../query.ts'
import type { Claimed, EnqueueResult, NewEvent } from '../storage.ts'
import { Claims } from './claim.ts'
import type { RememberedKey } from './idempotency-keys.ts'
import type { Tables } from './tables.ts'

/** Writes all of the events or, where one cannot be written, none: everything is checked before anything is changed. */
export function enqueue(
  tables: Tables,
  events: readonly NewEvent[],
  claimFor: ClaimNew | undefined,
  nowMs: number,
): { results: EnqueueResult[]; claimed: Claimed[] } {
  const { results, written } = check(tables, events, nowMs)
  const claims = claimFor && new Claims(tables, claimFor.limit, claimFor.leaseMs, nowMs)
  for (const event of written) write(tables, event, claims, nowMs)
  tables.keys.forgetExpired(nowMs)
  return { results, claimed: claims?.claimed ?? [] }
}

/** What became of each event, and those that are new. */
interface Checked {
  readonly results: EnqueueResult[]
  readonly written: NewEvent[]
}

function check(tables: Tables, events: readonly NewEvent[], nowMs: number): Checked {
  const checked: Checked = { results: [], written: [] }
  const eventNames = new Set<string>()
  const deliveryIds = new Set<string>()
  const keys = new Map<string, RememberedKey>()
  for (const event of events) {
    const { id, tenantId, idempotencyKey } = event
    const eventName = `${id} ${tenantId}`
    if (eventNames.has(eventName) || tables.findEvent(id, tenantId) !== undefined) {
      checked.results.push({ id, status: 'accepted' })
      continue
    }
    if (idempotencyKey !== undefined) {
      const name = JSON.stringify([tenantId, idempotencyKey])
      const first = keys.get(name) ?? tables.keys.find(tenantId, idempotencyKey, nowMs)
      if (first !== undefined) {
        checked.results.push({
          id: first.eventId,
          status: first.bodyHash === event.bodyHash ? 'duplicate' : 'conflict',
        })
        continue
      }
      keys.set(name, { eventId: id, bodyHash: event.bodyHash })
    }
    for (const delivery of event.deliveries) {
      if (deliveryIds.has(delivery.id) || tables.findDelivery(delivery.id) !== undefined) throw takenId(delivery.id)
      deliveryIds.add(delivery.id)
    }
    eventNames.add(eventName)
    checked.written.push(event)
    checked.results.push({ id, status: 'accepted' })
  }
  return checked
}

function takenId(id: string): PosthornError {
  return new PosthornError(
    'CONFLICT',
    `Delivery ${id} exists already, so nothing was written. Give every delivery a new id.`,
  )
}

function write(tables: Tables, event: NewEvent, claims: Claims | undefined, nowMs: number): void {
  const { idempotencyKey, bodyHash, idempotencyTtlMs = 0, delayMs = 0 } = event
  const row = tables.addEvent(event, nowMs)
  for (const delivery of event.deliveries) tables.addDelivery(delivery, row)
  // Only now: what ends may be forgotten at once, and its event with it.
  for (const [index, delivery] of row.deliveries.entries()) {
    const skip = event.deliveries[index]?.skip
    if (skip !== undefined) tables.finish(delivery, 'skipped', skip, nowMs)
    // What is given out at once is in no queue before.
    else if (delayMs > 0 || claims?.offer(delivery) !== true) tables.lanes.add(delivery, nowMs + delayMs, nowMs)
  }
  if (idempotencyKey !== undefined) {
    tables.keys.remember(event.tenantId, idempotencyKey, { eventId: event.id, bodyHash }, nowMs + idempotencyTtlMs)
  }
}

import type { DeliveryState } from '../../domain/delivery.ts'
import type { NewDelivery, NewEvent } from '../storage.ts'
import { newDeliveryRow } from './delivery-row.ts'
import { newEventRow } from './event-row.ts'
import { IdempotencyKeys } from './idempotency-keys.ts'
import { Lanes } from './lanes.ts'
import { LinkedList } from '../../domain/linked-list.ts'
import type { DeliveryRow, EventRow, HistoryRow } from './rows.ts'
import { RowIndex, SortedRows } from './sorted-rows.ts'
import { WebhookTable } from './webhook-table.ts'

// In characters of bodies and answers: some 64 to 128 MiB, whatever the deliveries are like.
const maxHistorySize = 64 * 1024 * 1024

/**
 * Everything that is held in memory, and the steps between the states of a delivery:
 *
 *     add → pending (queued ⇄ held, in the lanes) → final (in the history) → forgotten
 *              └────────────────── revive ←──────────────┘
 */
export class Tables {
  readonly webhooks = new WebhookTable()
  readonly lanes = new Lanes(this.webhooks)
  readonly keys = new IdempotencyKeys()
  readonly eventsByTenant = new RowIndex<EventRow>()
  readonly deliveriesByTenant = new RowIndex<DeliveryRow>()
  readonly deliveriesByWebhook = new RowIndex<DeliveryRow>()
  // The pending ones once more, in a Map that stays small: in one of all that is kept, each new id is a few cache misses away.
  readonly #pending = new Map<string, DeliveryRow>()
  readonly #deliveries = new SortedRows<DeliveryRow>()
  readonly #history = new LinkedList<HistoryRow>()
  readonly #maxFinished: number
  #historySize = 0

  constructor(maxFinished: number) {
    this.#maxFinished = maxFinished
  }

  findEvent(id: string, tenantId: string): EventRow | undefined {
    return this.eventsByTenant.find(tenantId, id)
  }

  findDelivery(id: string): DeliveryRow | undefined {
    return this.#pending.get(id) ?? this.#deliveries.find(id)
  }

  /** Finds a delivery that is not final. */
  findPending(id: string): DeliveryRow | undefined {
    return this.#pending.get(id)
  }

  addEvent(event: NewEvent, nowMs: number): EventRow {
    const row = newEventRow(event, nowMs)
    this.eventsByTenant.add(row.tenantId, row)
    if (event.deliveries.length === 0) this.#toHistory(row)
    return row
  }

  /** Adds a delivery, which has no place in the lanes yet. */
  addDelivery(delivery: NewDelivery, event: EventRow): void {
    const row = newDeliveryRow(delivery.id, event, delivery.webhookId)
    // Nearly all have one: an array that grows by push has room for sixteen.
    if (event.deliveries.length === 0) event.deliveries = [row]
    else event.deliveries.push(row)
    event.keptCount++
    event.pendingCount++
    this.#pending.set(row.id, row)
    this.#deliveries.add(row)
    this.deliveriesByTenant.add(event.tenantId, row)
    this.deliveriesByWebhook.add(row.webhookId, row)
  }

  /** pending → final */
  finish(row: DeliveryRow, state: Exclude<DeliveryState, 'pending'>, reason: string | null, nowMs: number): void {
    this.lanes.remove(row, nowMs)
    this.#pending.delete(row.id)
    row.state = state
    row.reason = reason
    row.finishedAtMs = nowMs
    row.event.pendingCount--
    this.#toHistory(row)
  }

  /** final → pending */
  revive(row: DeliveryRow, dueAtMs: number, nowMs: number): void {
    this.#leaveHistory(row)
    this.#pending.set(row.id, row)
    row.state = 'pending'
    row.reason = null
    row.finishedAtMs = null
    row.attemptsBefore = row.attemptCount
    row.claimCount = 0
    row.trigger = 'manual'
    row.event.pendingCount++
    this.lanes.add(row, dueAtMs, nowMs)
  }

  /** The events without a pending delivery, by when they came to rest; at most `maxFinished`. */
  restingEvents(): Set<EventRow> {
    const events = this.#history.values().map((row) => ('event' in row ? row.event : row))
    return new Set(events.filter((event) => event.pendingCount === 0))
  }

  /** Forgets a resting event with all its deliveries. */
  forgetEvent(event: EventRow): void {
    for (const row of event.deliveries) if (!row.isRemoved) this.#forgetDelivery(row)
    this.#leaveHistory(event)
    event.isRemoved = true
    event.body = null
    this.eventsByTenant.noteRemoval(event.tenantId)
  }

  #toHistory(row: EventRow | DeliveryRow): void {
    row.historySize = sizeOf(row)
    row.historyNode = this.#history.append(row)
    this.#historySize += row.historySize
    while (this.#history.size > this.#maxFinished || (this.#historySize > maxHistorySize && this.#history.size > 1)) {
      const oldest = this.#history.first
      if (oldest === null) return
      this.#forget(oldest.value)
    }
  }

  #leaveHistory(row: EventRow | DeliveryRow): void {
    if (row.historyNode === null) return
    this.#historySize -= row.historySize
    this.#history.remove(row.historyNode)
    row.historyNode = null
  }

  #forget(row: EventRow | DeliveryRow): void {
    if (!('event' in row)) return this.forgetEvent(row)
    this.#forgetDelivery(row)
    if (row.event.keptCount === 0) this.forgetEvent(row.event)
  }

  #forgetDelivery(row: DeliveryRow): void {
    this.#leaveHistory(row)
    row.isRemoved = true
    // A listing keeps the gap for a while: it need not keep response bodies with it.
    row.attempts = []
    this.#leaveEvent(row.event)
    this.#deliveries.noteRemoval()
    this.deliveriesByTenant.noteRemoval(row.event.tenantId)
    this.deliveriesByWebhook.noteRemoval(row.webhookId)
  }

  // Those that are forgotten stay until they are half, so that each costs O(1) over time.
  #leaveEvent(event: EventRow): void {
    event.keptCount--
    if (event.keptCount * 2 >= event.deliveries.length) return
    event.deliveries = event.deliveries.filter((row) => !row.isRemoved)
  }
}

// The body is shared by the deliveries of an event: each is charged its part.
function sizeOf(row: EventRow | DeliveryRow): number {
  if (!('event' in row)) return row.body?.length ?? 0
  const { body, keptCount } = row.event
  let size = Math.ceil((body?.length ?? 0) / keptCount)
  for (const { responseBody } of row.attempts) size += responseBody?.length ?? 0
  return size
}

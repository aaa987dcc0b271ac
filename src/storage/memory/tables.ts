import type { DeliveryState } from '../../domain/delivery.ts'
import type { NewDelivery, NewEvent } from '../storage.ts'
import { newDeliveryRow } from './delivery-row.ts'
import { newEventRow } from './event-row.ts'
import { IdempotencyKeys } from './idempotency-keys.ts'
import { Lanes } from './lanes.ts'
import { LinkedList } from './linked-list.ts'
import type { DeliveryRow, EventRow } from './rows.ts'
import { RowIndex } from './sorted-rows.ts'
import { WebhookTable } from './webhook-table.ts'

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
  readonly events = new Map<string, EventRow>()
  readonly deliveries = new Map<string, DeliveryRow>()
  readonly eventsByTenant = new RowIndex<EventRow>()
  readonly deliveriesByTenant = new RowIndex<DeliveryRow>()
  readonly deliveriesByWebhook = new RowIndex<DeliveryRow>()
  readonly #history = new LinkedList<EventRow | DeliveryRow>()
  readonly #maxFinished: number

  constructor(maxFinished: number) {
    this.#maxFinished = maxFinished
  }

  addEvent(event: NewEvent, nowMs: number): EventRow {
    const row = newEventRow(event, nowMs)
    this.events.set(row.id, row)
    this.eventsByTenant.add(row.tenantId, row)
    if (event.deliveries.length === 0) this.#toHistory(row)
    return row
  }

  addDelivery(delivery: NewDelivery, event: EventRow, dueAtMs: number, nowMs: number): void {
    const row = newDeliveryRow(delivery.id, event, delivery.webhookId)
    event.deliveries.add(row)
    event.pendingCount++
    this.deliveries.set(row.id, row)
    this.deliveriesByTenant.add(event.tenantId, row)
    this.deliveriesByWebhook.add(row.webhookId, row)
    this.lanes.add(row, dueAtMs, nowMs)
  }

  /** pending → final */
  finish(row: DeliveryRow, state: Exclude<DeliveryState, 'pending'>, reason: string | null, nowMs: number): void {
    this.lanes.remove(row, nowMs)
    row.state = state
    row.reason = reason
    row.finishedAtMs = nowMs
    row.event.pendingCount--
    this.#toHistory(row)
  }

  /** final → pending */
  revive(row: DeliveryRow, dueAtMs: number, nowMs: number): void {
    if (row.historyNode !== null) this.#history.remove(row.historyNode)
    row.historyNode = null
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
    for (const row of event.deliveries) this.#forgetDelivery(row)
    if (event.historyNode !== null) this.#history.remove(event.historyNode)
    event.isRemoved = true
    event.body = null
    this.events.delete(event.id)
    this.eventsByTenant.noteRemoval(event.tenantId)
  }

  #toHistory(row: EventRow | DeliveryRow): void {
    row.historyNode = this.#history.append(row)
    const oldest = this.#history.first
    if (this.#history.size <= this.#maxFinished || oldest === null) return
    if (!('event' in oldest.value)) {
      this.forgetEvent(oldest.value)
    } else {
      const { event } = oldest.value
      this.#forgetDelivery(oldest.value)
      if (event.deliveries.size === 0) this.forgetEvent(event)
    }
  }

  #forgetDelivery(row: DeliveryRow): void {
    if (row.historyNode !== null) this.#history.remove(row.historyNode)
    row.isRemoved = true
    // A listing keeps the gap for a while: it need not keep response bodies with it.
    row.attempts = []
    row.event.deliveries.delete(row)
    this.deliveries.delete(row.id)
    this.deliveriesByTenant.noteRemoval(row.event.tenantId)
    this.deliveriesByWebhook.noteRemoval(row.webhookId)
  }
}

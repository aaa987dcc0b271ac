import type { StoredWebhook } from '../storage.ts'
import { LinkedList } from '../../domain/linked-list.ts'
import type { DeliveryRow, Lane } from './rows.ts'
import { TimeHeap } from './time-heap.ts'
import type { WebhookTable } from './webhook-table.ts'

/**
 * All pending deliveries. Turns go round by lanes and one delivery at a time, so the length of one lane delays no other; no step
 * costs more than O(log n).
 */
export class Lanes {
  readonly #webhooks: WebhookTable
  readonly #lanes = new Map<string, Lane>()
  readonly #round = new LinkedList<Lane>()
  readonly #alarms = new TimeHeap<Lane>()
  readonly #leases = new TimeHeap<DeliveryRow>()

  constructor(webhooks: WebhookTable) {
    this.#webhooks = webhooks
  }

  /** Queues a delivery for an instant, taking it from whoever holds it. */
  add(row: DeliveryRow, dueAtMs: number, nowMs: number): void {
    const lane = this.#laneOf(row)
    this.#detach(row, lane)
    row.place = lane.queue.add(row, dueAtMs)
    this.#arrange(lane, nowMs)
  }

  /** Takes a delivery out, queued or held. */
  remove(row: DeliveryRow, nowMs: number): void {
    const lane = this.#laneOf(row)
    this.#detach(row, lane)
    row.lane = null
    this.#arrange(lane, nowMs)
  }

  /** Makes somebody the holder of a delivery. */
  lease(row: DeliveryRow, lease: string, untilMs: number, nowMs: number): void {
    const lane = this.#laneOf(row)
    this.#detach(row, lane)
    lane.leasedCount++
    row.lease = lease
    row.place = this.#leases.add(row, untilMs)
    this.#arrange(lane, nowMs)
  }

  prolong(row: DeliveryRow, untilMs: number): void {
    if (row.place === null || row.lease === null) return
    this.#leases.remove(row.place)
    row.place = this.#leases.add(row, untilMs)
  }

  /** Takes back the leases that ran out: their deliveries have been due since. */
  takeBackExpired(nowMs: number): void {
    for (let { first } = this.#leases; first !== undefined && first.atMs <= nowMs; first = this.#leases.first) {
      this.add(first.value, first.atMs, nowMs)
    }
  }

  /** Returns the lane whose turn it is and puts it to the end of the round. */
  nextTurn(nowMs: number): Lane | null {
    this.#wake(nowMs)
    for (let node = this.#round.first; node !== null; node = this.#round.first) {
      const lane = node.value
      this.#round.remove(node)
      lane.turn = null
      this.#arrange(lane, nowMs)
      if (lane.turn !== null) return lane
    }
    return null
  }

  /** Says whether one more delivery of a lane may be given out. */
  hasFreeSlot(row: DeliveryRow, webhook: StoredWebhook, nowMs: number): boolean {
    const { leasedCount } = this.#laneOf(row)
    return leasedCount < webhook.maxInFlight && (webhook.gateUntil?.getTime() ?? 0) <= nowMs
  }

  /** Follows a change of a webhook. */
  rearrange(webhook: StoredWebhook, nowMs: number): void {
    const lane = this.#lanes.get(keyOf(webhook.tenantId, webhook.id))
    if (lane !== undefined) this.#arrange(lane, nowMs)
  }

  nextDueInMs(nowMs: number): number | null {
    if (this.#round.size > 0) return 0
    const nextMs = Math.min(this.#alarms.first?.atMs ?? Infinity, this.#leases.first?.atMs ?? Infinity)
    return nextMs === Infinity ? null : Math.max(0, nextMs - nowMs)
  }

  values(): Iterable<Lane> {
    return this.#lanes.values()
  }

  #detach(row: DeliveryRow, lane: Lane): void {
    if (row.place === null) return
    if (row.lease === null) {
      lane.queue.remove(row.place)
    } else {
      this.#leases.remove(row.place)
      lane.leasedCount--
    }
    row.place = null
    row.lease = null
  }

  #laneOf(row: DeliveryRow): Lane {
    row.lane ??= this.#find(row)
    return row.lane
  }

  #find(row: DeliveryRow): Lane {
    const { tenantId } = row.event
    const key = keyOf(tenantId, row.webhookId)
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      lane = {
        key,
        tenantId,
        webhookId: row.webhookId,
        queue: new TimeHeap(),
        leasedCount: 0,
        turn: null,
        alarm: null,
      }
      this.#lanes.set(key, lane)
    }
    return lane
  }

  #wake(nowMs: number): void {
    for (let { first } = this.#alarms; first !== undefined && first.atMs <= nowMs; first = this.#alarms.first) {
      this.#arrange(first.value, nowMs)
    }
  }

  /** Gives a lane its turn or its alarm after any change; a lane keeps the turn that it has. */
  #arrange(lane: Lane, nowMs: number): void {
    const openAtMs = this.#openAtMs(lane)
    if (lane.alarm !== null) this.#alarms.remove(lane.alarm)
    lane.alarm = null
    if (openAtMs !== null && openAtMs <= nowMs) {
      lane.turn ??= this.#round.append(lane)
      return
    }
    if (lane.turn !== null) this.#round.remove(lane.turn)
    lane.turn = null
    if (openAtMs !== null) lane.alarm = this.#alarms.add(lane, openAtMs)
    if (lane.queue.size === 0 && lane.leasedCount === 0) this.#lanes.delete(lane.key)
  }

  /** From when the lane can give something out, or see it cancelled; null while it is empty or full. */
  #openAtMs(lane: Lane): number | null {
    const { first } = lane.queue
    if (first === undefined) return null
    const webhook = this.#webhooks.get(lane.webhookId, lane.tenantId)
    if (webhook === null || !webhook.isActive) return first.atMs
    if (lane.leasedCount >= webhook.maxInFlight) return null
    return Math.max(first.atMs, webhook.gateUntil?.getTime() ?? 0)
  }
}

// With its length, because either part may contain any character.
function keyOf(tenantId: string, webhookId: string): string {
  return `${tenantId.length} ${tenantId} ${webhookId}`
}

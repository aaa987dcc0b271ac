import type { Claimed, StoredWebhook } from '../storage.ts'
import { toEvent } from './event-row.ts'
import type { DeliveryRow } from './rows.ts'
import type { Tables } from './tables.ts'
import { copyWebhook } from './webhook-table.ts'

/** What one call cancels at most on its way: about a millisecond of work. */
export const maxCancelledPerCall = 1000

/** Gives out what is due, one delivery of each lane in turn. */
export function claimDue(tables: Tables, limit: number, leaseMs: number, nowMs: number): Claimed[] {
  const { lanes, webhooks } = tables
  const claimed: Claimed[] = []
  const shared = new SharedParts()
  const untilMs = nowMs + leaseMs
  let cancelledCount = 0
  lanes.takeBackExpired(nowMs)
  while (claimed.length < limit && cancelledCount < maxCancelledPerCall) {
    const lane = lanes.nextTurn(nowMs)
    const row = lane?.queue.first?.value
    if (row === undefined) break
    const webhook = webhooks.get(row.webhookId, row.event.tenantId)
    if (webhook?.isActive === true) {
      claimed.push(lease(tables, row, shared, webhook, untilMs, nowMs))
    } else {
      cancelledCount++
      tables.finish(row, 'cancelled', cancelReason(webhook), nowMs)
    }
  }
  return claimed
}

/** Gives out those of the deliveries that are due, under the same rules. */
export function claimIds(
  tables: Tables,
  ids: Iterable<string>,
  limit: number,
  leaseMs: number,
  nowMs: number,
): Claimed[] {
  const claims = new Claims(tables, limit, leaseMs, nowMs)
  for (const id of ids) {
    const row = tables.findPending(id)
    // Whether queued or held: until the instant of its place, a delivery is not to be had.
    if (row?.place != null && row.place.atMs <= nowMs) claims.offer(row)
  }
  return claims.claimed
}

/** Gives out one delivery after the other, up to a limit. */
export class Claims {
  readonly claimed: Claimed[] = []
  readonly #tables: Tables
  readonly #limit: number
  readonly #nowMs: number
  readonly #untilMs: number
  readonly #shared = new SharedParts()

  constructor(tables: Tables, limit: number, leaseMs: number, nowMs: number) {
    this.#tables = tables
    this.#limit = limit
    this.#nowMs = nowMs
    this.#untilMs = nowMs + leaseMs
    tables.lanes.takeBackExpired(nowMs)
  }

  /** Takes a delivery that is due, to give it out or to cancel it. False where it has to wait: nothing was done to it. */
  offer(row: DeliveryRow): boolean {
    if (this.claimed.length >= this.#limit) return false
    const webhook = this.#tables.webhooks.get(row.webhookId, row.event.tenantId)
    if (webhook?.isActive !== true) {
      this.#tables.finish(row, 'cancelled', cancelReason(webhook), this.#nowMs)
      return true
    }
    if (!this.#tables.lanes.hasFreeSlot(row, webhook, this.#nowMs)) return false
    this.claimed.push(lease(this.#tables, row, this.#shared, webhook, this.#untilMs, this.#nowMs))
    return true
  }
}

/** Why a delivery ends whose webhook is not active. */
export function cancelReason(webhook: StoredWebhook | null): string {
  return webhook === null ? 'deleted' : 'disabled'
}

/** What the deliveries of one claim share: their lease, and the webhooks, each copied once. */
class SharedParts {
  readonly lease = crypto.randomUUID()
  readonly #copies = new Map<string, StoredWebhook>()

  copyOf(webhook: StoredWebhook): StoredWebhook {
    let copy = this.#copies.get(webhook.id)
    if (copy === undefined) this.#copies.set(webhook.id, (copy = copyWebhook(webhook)))
    return copy
  }
}

function lease(
  tables: Tables,
  row: DeliveryRow,
  shared: SharedParts,
  webhook: StoredWebhook,
  untilMs: number,
  nowMs: number,
): Claimed {
  tables.lanes.lease(row, shared.lease, untilMs, nowMs)
  row.claimCount++
  return {
    id: row.id,
    lease: shared.lease,
    attemptCount: row.attemptCount,
    attemptsBefore: row.attemptsBefore,
    claimCount: row.claimCount,
    trigger: row.trigger,
    event: toEvent(row.event),
    webhook: shared.copyOf(webhook),
  }
}

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
  const copies = new WebhookCopies()
  let cancelledCount = 0
  lanes.takeBackExpired(nowMs)
  while (claimed.length < limit && cancelledCount < maxCancelledPerCall) {
    const lane = lanes.nextTurn(nowMs)
    const row = lane?.queue.first?.value
    if (row === undefined) break
    const webhook = webhooks.get(row.webhookId, row.event.tenantId)
    if (webhook?.isActive === true) {
      claimed.push(lease(tables, row, copies.of(webhook), leaseMs, nowMs))
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
  const { lanes, webhooks } = tables
  const claimed: Claimed[] = []
  const copies = new WebhookCopies()
  lanes.takeBackExpired(nowMs)
  for (const id of ids) {
    if (claimed.length >= limit) break
    const row = tables.deliveries.get(id)
    // Whether queued or held: until the instant of its place, a delivery is not to be had.
    if (row?.place == null || row.place.atMs > nowMs) continue
    const webhook = webhooks.get(row.webhookId, row.event.tenantId)
    if (webhook?.isActive !== true) tables.finish(row, 'cancelled', cancelReason(webhook), nowMs)
    else if (lanes.hasFreeSlot(row, webhook, nowMs))
      claimed.push(lease(tables, row, copies.of(webhook), leaseMs, nowMs))
  }
  return claimed
}

/** Why a delivery ends whose webhook is not active. */
export function cancelReason(webhook: StoredWebhook | null): string {
  return webhook === null ? 'deleted' : 'disabled'
}

/** The webhooks of one claim, each copied once. */
class WebhookCopies {
  readonly #copies = new Map<string, StoredWebhook>()

  of(webhook: StoredWebhook): StoredWebhook {
    let copy = this.#copies.get(webhook.id)
    if (copy === undefined) this.#copies.set(webhook.id, (copy = copyWebhook(webhook)))
    return copy
  }
}

function lease(tables: Tables, row: DeliveryRow, webhook: StoredWebhook, leaseMs: number, nowMs: number): Claimed {
  const token = crypto.randomUUID()
  tables.lanes.lease(row, token, nowMs + leaseMs, nowMs)
  row.claimCount++
  return {
    id: row.id,
    lease: token,
    attemptCount: row.attemptCount,
    attemptsBefore: row.attemptsBefore,
    claimCount: row.claimCount,
    trigger: row.trigger,
    event: toEvent(row.event),
    webhook,
  }
}

import { randomUUID } from 'node:crypto'
import type { Claimed, StoredWebhook } from 'posthorn'
import { eventKey, finish, isHeld, type DeliveryRow, type Document } from './document.ts'
import { groupBy } from './group-by.ts'
import { webhookOf } from './webhooks.ts'

/** Leases what is due, or those of `ids` that are due, and says when to ask again. */
export function claim(
  document: Document,
  query: { readonly limit: number; readonly leaseMs: number; readonly ids?: readonly string[] },
  nowMs: number,
): { claimed: Claimed[]; nextDueInMs: number | null } {
  const ids = query.ids === undefined ? null : new Set(query.ids)
  const rows = [...document.deliveries.values()].filter(({ id }) => ids === null || ids.has(id))
  return { claimed: lease(document, rows, query, nowMs), nextDueInMs: nextDueInMs(document, nowMs) }
}

/**
 * Leases up to `limit` of the rows to the caller: only due ones, only of webhooks that are active and not gated, and no more of a
 * webhook than it has free slots. Webhooks take turns, the one that waited longest first, so no backlog delays another webhook.
 */
export function lease(
  document: Document,
  rows: readonly DeliveryRow[],
  { limit, leaseMs }: { readonly limit: number; readonly leaseMs: number },
  nowMs: number,
): Claimed[] {
  const due = rows.filter((row) => row.state === 'pending' && row.dueAtMs <= nowMs)
  return inTurn(document, due, limit, nowMs).map((row) => hold(document, row, nowMs + leaseMs))
}

/** The ids of up to `limit` deliveries that could be leased now and have been due for `byMs` at least, in the same turns; none is held. */
export function overdue(
  document: Document,
  { limit, byMs }: { readonly limit: number; readonly byMs: number },
  nowMs: number,
): string[] {
  const rows = [...document.deliveries.values()]
  const late = rows.filter((row) => row.state === 'pending' && row.dueAtMs <= nowMs - byMs)
  return inTurn(document, late, limit, nowMs).map((row) => {
    endTurn(document, row)
    return row.id
  })
}

/** Up to `limit` of the due rows that may be given out now: one of each webhook, then the second ones. */
function inTurn(document: Document, due: readonly DeliveryRow[], limit: number, nowMs: number): DeliveryRow[] {
  const held = heldByWebhook(document, nowMs)
  const lanes = [...groupBy(due, (row) => `${row.tenantId} ${row.webhookId}`).values()]
    .map((lane) => claimable(document, lane, held, nowMs))
    .filter((lane) => lane.length > 0)
    .toSorted((one, other) => turnOf(document, one) - turnOf(document, other))
  const longest = lanes.reduce((most, lane) => Math.max(most, lane.length), 0)
  const rounds = Array.from({ length: Math.min(limit, longest) }, (_, round) =>
    lanes.flatMap((lane) => lane[round] ?? []),
  )
  return rounds.flat().slice(0, limit)
}

/** The due rows of one webhook that may be given out now, oldest first. Where the webhook is not active, they end here. */
function claimable(
  document: Document,
  lane: readonly DeliveryRow[],
  held: ReadonlyMap<string, number>,
  nowMs: number,
): DeliveryRow[] {
  const [first] = lane
  const webhook = first === undefined ? null : webhookOf(document, first.webhookId, first.tenantId)
  if (webhook?.isActive !== true) {
    for (const row of lane) finish(row, 'cancelled', cancelReason(webhook), nowMs)
    return []
  }
  if (isGated(webhook, nowMs)) return []
  const freeSlots = Math.max(0, webhook.maxInFlight - (held.get(webhook.id) ?? 0))
  return lane.toSorted((one, other) => one.dueAtMs - other.dueAtMs).slice(0, freeSlots)
}

function turnOf({ turns }: Document, [row]: readonly DeliveryRow[]): number {
  return turns.get(row?.webhookId ?? '') ?? 0
}

function endTurn({ turns }: Document, { webhookId }: DeliveryRow): void {
  turns.set(webhookId, Math.max(0, ...turns.values()) + 1)
}

function hold(document: Document, row: DeliveryRow, untilMs: number): Claimed {
  const { id, attemptCount, attemptsBefore, trigger } = row
  const token = randomUUID()
  const event = document.events.get(eventKey(row.tenantId, row.eventId))
  const webhook = document.webhooks.get(row.webhookId)
  if (event === undefined || webhook === undefined) throw new TypeError(`Delivery ${id} has lost its event or webhook.`)
  endTurn(document, row)
  row.lease = token
  row.dueAtMs = untilMs
  row.claimCount++
  return { id, lease: token, attemptCount, attemptsBefore, claimCount: row.claimCount, trigger, event, webhook }
}

/** Why a delivery ends whose webhook is not active. */
export function cancelReason(webhook: StoredWebhook | null): string {
  return webhook === null ? 'deleted' : 'disabled'
}

/** A delivery behind a full webhook is not waited for: the lease that ends will be. */
function nextDueInMs(document: Document, nowMs: number): number | null {
  const held = heldByWebhook(document, nowMs)
  let nextAtMs = Infinity
  for (const row of document.deliveries.values()) {
    if (row.state !== 'pending') continue
    const webhook = isHeld(row, nowMs) ? null : webhookOf(document, row.webhookId, row.tenantId)
    const isFull = webhook !== null && webhook.isActive && (held.get(webhook.id) ?? 0) >= webhook.maxInFlight
    const gateMs = webhook?.isActive === true ? (webhook.gateUntil?.getTime() ?? 0) : 0
    if (!isFull) nextAtMs = Math.min(nextAtMs, Math.max(row.dueAtMs, gateMs))
  }
  return nextAtMs === Infinity ? null : Math.max(0, nextAtMs - nowMs)
}

function heldByWebhook({ deliveries }: Document, nowMs: number): Map<string, number> {
  const held = new Map<string, number>()
  for (const row of deliveries.values()) {
    if (isHeld(row, nowMs)) held.set(row.webhookId, (held.get(row.webhookId) ?? 0) + 1)
  }
  return held
}

function isGated({ gateUntil }: StoredWebhook, nowMs: number): boolean {
  return gateUntil !== null && gateUntil.getTime() > nowMs
}

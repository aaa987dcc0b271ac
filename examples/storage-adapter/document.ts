import type { Attempt, AttemptTrigger, Delivery, DeliveryState, StoredWebhook, WebhookEvent } from 'posthorn'

/** Everything that is stored: tables of rows by id, events by {@link eventKey}. */
export interface Document {
  readonly webhooks: Map<string, StoredWebhook>
  readonly events: Map<string, WebhookEvent>
  readonly deliveries: Map<string, DeliveryRow>
  /** The idempotency keys that are remembered, under tenant and key. */
  readonly keys: Map<
    string,
    { readonly eventId: string; readonly bodyHash: string | undefined; readonly expiresAtMs: number }
  >
  /** When each webhook was last given something, counted in claims. */
  readonly turns: Map<string, number>
}

/** A delivery as it is stored. It is held while it has a lease and `dueAtMs` lies ahead; a lease that ran out holds nothing. */
export interface DeliveryRow {
  readonly id: string
  readonly eventId: string
  readonly webhookId: string
  readonly tenantId: string
  readonly type: string
  readonly createdAt: Date
  state: DeliveryState
  reason: string | null
  /** When it may be claimed: when it is due or, under a lease, when that runs out. */
  dueAtMs: number
  lease: string | null
  trigger: AttemptTrigger
  attemptCount: number
  attemptsBefore: number
  claimCount: number
  lastStatus: number | null
  finishedAt: Date | null
  attempts: Attempt[]
}

export function emptyDocument(): Document {
  return { webhooks: new Map(), events: new Map(), deliveries: new Map(), keys: new Map(), turns: new Map() }
}

/** Two tenants may have events with the same id. */
export function eventKey(tenantId: string, id: string): string {
  return JSON.stringify([tenantId, id])
}

export function isHeld(row: DeliveryRow, nowMs: number): boolean {
  return row.lease !== null && row.dueAtMs > nowMs
}

/** pending → final */
export function finish(
  row: DeliveryRow,
  state: Exclude<DeliveryState, 'pending'>,
  reason: string | null,
  nowMs: number,
): void {
  Object.assign(row, { state, reason, lease: null, finishedAt: new Date(nowMs) })
}

export function toDelivery(row: DeliveryRow, nowMs: number): Delivery {
  const { id, eventId, webhookId, tenantId, type, state, reason, attemptCount, lastStatus, createdAt, finishedAt } = row
  const isLeased = isHeld(row, nowMs)
  const dueAt = state !== 'pending' || isLeased ? null : new Date(row.dueAtMs)
  return {
    id,
    eventId,
    webhookId,
    tenantId,
    type,
    state,
    reason,
    attemptCount,
    dueAt,
    isLeased,
    lastStatus,
    createdAt,
    finishedAt,
  }
}

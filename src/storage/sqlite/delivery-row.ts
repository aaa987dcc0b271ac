import type { Delivery, DeliveryState } from '../../domain/delivery.ts'
import type { Now } from '../steady-clock.ts'
import { toDate } from './webhook-row.ts'

/** Where a delivery stands, as stored: `pending` is `ready`, `waiting` or `leased`. */
export type Phase = 'ready' | 'waiting' | 'leased' | Exclude<DeliveryState, 'pending'>

/** A delivery with the id and type of its event. */
export interface DeliveryRow {
  readonly id: string
  readonly event_id: string
  readonly webhook_id: string
  readonly tenant_id: string
  readonly type: string
  readonly phase: Phase
  readonly reason: string | null
  readonly attempt_count: number
  readonly due_at: number | null
  readonly lease_until: number | null
  readonly last_status: number | null
  readonly created_at: number
  readonly finished_at: number | null
}

/** The columns of a delivery `d` and its event `e`. */
export const deliveryColumns = `d.id, e.id AS event_id, d.webhook_id, d.tenant_id, e.type, d.phase, d.reason,
  d.attempt_count, d.due_at, d.lease_until, d.last_status, d.created_at, d.finished_at`

/** Makes a delivery of a row; the time now tells a live lease from one that has run out. */
export function toDelivery(row: DeliveryRow, { wallMs, dueMs }: Now): Delivery {
  const isLeased = row.phase === 'leased' && row.lease_until !== null && row.lease_until > dueMs
  // A lease that has run out is due since then.
  const dueAt = isLeased ? null : (row.due_at ?? row.lease_until)
  return {
    id: row.id,
    eventId: row.event_id,
    webhookId: row.webhook_id,
    tenantId: row.tenant_id,
    type: row.type,
    state: toState(row.phase),
    reason: row.reason,
    attemptCount: row.attempt_count,
    dueAt: dueAt === null ? null : new Date(dueAt - (dueMs - wallMs)),
    isLeased,
    lastStatus: row.last_status,
    createdAt: new Date(row.created_at),
    finishedAt: toDate(row.finished_at),
  }
}

/** What the phase is to the outside. */
export function toState(phase: Phase): DeliveryState {
  return phase === 'ready' || phase === 'waiting' || phase === 'leased' ? 'pending' : phase
}

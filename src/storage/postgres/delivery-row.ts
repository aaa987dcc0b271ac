import type { Delivery, DeliveryState } from '../../domain/delivery.ts'
import type { Names } from './names.ts'
import { ms } from './sql.ts'
import { toDate } from './webhook-row.ts'

/** Where a delivery stands, as stored: `pending` is `ready`, `waiting` or `leased`. */
export type Phase = 'ready' | 'waiting' | 'leased' | Exclude<DeliveryState, 'pending'>

/** A delivery as {@link deliveryColumns} reads it. */
export type DeliveryRow = Omit<Delivery, 'state' | 'isLeased' | 'dueAt' | 'createdAt' | 'finishedAt'> & {
  readonly phase: Phase
  readonly dueAt: number | null
  /** Whether `dueAt` is to come. */
  readonly isEarly: boolean | null
  readonly createdAt: number
  readonly finishedAt: number | null
}

/** The columns of a delivery `d` and its event `e`. */
export function deliveryColumns({ now, aheadMs }: Names): string {
  return `d.id, e.id AS "eventId", d.webhook_id AS "webhookId", d.tenant_id AS "tenantId", e.type, d.phase, d.reason,
    d.attempt_count AS "attemptCount", ${ms('d.due_at')} - ${aheadMs} AS "dueAt", d.due_at > ${now} AS "isEarly",
    d.last_status AS "lastStatus", ${ms('d.created_at')} AS "createdAt", ${ms('d.finished_at')} AS "finishedAt"`
}

/** Makes a delivery of a row. */
export function toDelivery({ phase, isEarly, dueAt, createdAt, finishedAt, ...rest }: DeliveryRow): Delivery {
  const isLeased = phase === 'leased' && isEarly === true
  return {
    ...rest,
    state: toState(phase),
    isLeased,
    // A lease that has run out is due since then.
    dueAt: isLeased ? null : toDate(dueAt),
    createdAt: new Date(createdAt),
    finishedAt: toDate(finishedAt),
  }
}

/** What the phase is to the outside. */
export function toState(phase: Phase): DeliveryState {
  return phase === 'ready' || phase === 'waiting' || phase === 'leased' ? 'pending' : phase
}

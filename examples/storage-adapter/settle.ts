import type { LeaseRef, NewAttempt, Settled, Settlement } from 'posthorn'
import { cancelReason } from './claim.ts'
import { finish, isHeld, type DeliveryRow, type Document } from './document.ts'
import { webhookOf } from './webhooks.ts'

/** Applies settlements; those whose lease is not the delivery's own any more write nothing and are left out. */
export function settle(document: Document, settlements: readonly Settlement[], nowMs: number): Settled[] {
  return settlements.flatMap((settlement) => {
    const row = ownRow(document, settlement)
    if (row === null) return []
    if (settlement.outcome !== 'release' && settlement.attempt !== undefined) recordAttempt(row, settlement.attempt)
    step(document, row, settlement, nowMs)
    return { id: row.id, state: row.state }
  })
}

/** Prolongs the leases that are live; returns the ids of their deliveries. */
export function renew(document: Document, leases: readonly LeaseRef[], leaseMs: number, nowMs: number): string[] {
  return leases.flatMap((hold) => {
    const row = ownRow(document, hold)
    if (row === null || !isHeld(row, nowMs)) return []
    row.dueAtMs = nowMs + leaseMs
    return row.id
  })
}

/** The fence: a holder who was so slow that another took over finds nothing here. */
function ownRow({ deliveries }: Document, { id, lease }: LeaseRef): DeliveryRow | null {
  const row = deliveries.get(id)
  return row !== undefined && row.lease === lease ? row : null
}

function recordAttempt(row: DeliveryRow, attempt: NewAttempt): void {
  if (attempt.number <= row.attemptCount) return
  row.attempts.push({ deliveryId: row.id, ...attempt })
  row.attemptCount = attempt.number
  row.lastStatus = attempt.status
  row.claimCount = 0
}

function step(document: Document, row: DeliveryRow, settlement: Settlement, nowMs: number): void {
  if (settlement.outcome === 'succeeded') return finish(row, 'succeeded', null, nowMs)
  if (settlement.outcome === 'failed') return finish(row, 'failed', settlement.reason, nowMs)
  const webhook = webhookOf(document, row.webhookId, row.tenantId)
  if (webhook?.isActive !== true) return finish(row, 'cancelled', cancelReason(webhook), nowMs)
  if (settlement.outcome === 'continue') {
    row.dueAtMs = nowMs + settlement.leaseMs
    return
  }
  if (settlement.outcome === 'release') row.claimCount-- // its holder did not die
  row.lease = null
  row.dueAtMs = nowMs + settlement.retryInMs
}

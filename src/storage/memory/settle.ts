import type { LeaseRef, Settled, Settlement } from '../settlement.ts'
import { cancelReason } from './claim.ts'
import { isHeld, recordAttempt } from './delivery-row.ts'
import type { DeliveryRow } from './rows.ts'
import type { Tables } from './tables.ts'

/** Applies one settlement; null where its lease is not the delivery's own any more. */
export function settle(tables: Tables, settlement: Settlement, nowMs: number): Settled | null {
  const row = holdOf(tables, settlement)
  if (row === null) return null
  if (settlement.outcome !== 'release' && settlement.attempt !== undefined) recordAttempt(row, settlement.attempt)
  step(tables, row, settlement, nowMs)
  return { id: row.id, state: row.state }
}

/** Prolongs a lease that is live; false where it is not. */
export function renew(tables: Tables, hold: LeaseRef, leaseMs: number, nowMs: number): boolean {
  const row = holdOf(tables, hold)
  if (row === null || !isHeld(row, nowMs)) return false
  tables.lanes.prolong(row, nowMs + leaseMs)
  return true
}

/** The delivery, as long as the lease is its own: a lease that ran out is, until a claim has taken it back. */
function holdOf(tables: Tables, hold: LeaseRef): DeliveryRow | null {
  const row = tables.findPending(hold.id)
  return row === undefined || row.lease === null || row.lease !== hold.lease ? null : row
}

function step(tables: Tables, row: DeliveryRow, settlement: Settlement, nowMs: number): void {
  if (settlement.outcome === 'succeeded') return tables.finish(row, 'succeeded', null, nowMs)
  if (settlement.outcome === 'failed') return tables.finish(row, 'failed', settlement.reason, nowMs)
  const webhook = tables.webhooks.get(row.webhookId, row.event.tenantId)
  if (webhook?.isActive !== true) return tables.finish(row, 'cancelled', cancelReason(webhook), nowMs)
  if (settlement.outcome === 'continue') return tables.lanes.prolong(row, nowMs + settlement.leaseMs)
  // What was given back was no claim: a holder that dies never comes here.
  if (settlement.outcome === 'release') row.claimCount--
  tables.lanes.add(row, nowMs + settlement.retryInMs, nowMs)
}

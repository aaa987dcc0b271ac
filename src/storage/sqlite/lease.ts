import type { Claimed, StoredWebhook } from '../storage.ts'
import type { Connection } from './connection.ts'
import { eventColumns, toEvent, type EventRow } from './event-row.ts'

/** A delivery that may be leased, with its event. */
export interface ClaimableRow extends EventRow {
  readonly id: string
  readonly webhook_id: string
  readonly attempt_count: number
  readonly attempts_before: number
  readonly claim_count: number
  readonly is_manual: number
}

/** Reads deliveries `d` as {@link ClaimableRow}. CROSS JOIN fixes the order: from the index of the deliveries outwards. */
export const selectClaimable = `SELECT d.id, d.webhook_id, d.attempt_count, d.attempts_before, d.claim_count, d.is_manual, ${eventColumns}
  FROM posthorn_deliveries d
  CROSS JOIN posthorn_events e ON e.seq = d.event_seq
  LEFT JOIN posthorn_bodies b ON b.event_seq = d.event_seq`

/** Leases a delivery until an instant. */
export function lease(connection: Connection, row: ClaimableRow, webhook: StoredWebhook, until: number): Claimed {
  const token = crypto.randomUUID()
  connection.run(
    `UPDATE posthorn_deliveries
     SET phase = 'leased', due_at = NULL, lease = ?, lease_until = ?, claim_count = claim_count + 1 WHERE id = ?`,
    token,
    until,
    row.id,
  )
  return {
    id: row.id,
    lease: token,
    attemptCount: row.attempt_count,
    attemptsBefore: row.attempts_before,
    claimCount: row.claim_count + 1,
    trigger: row.is_manual === 1 ? 'manual' : 'auto',
    event: toEvent(row),
    webhook,
  }
}

/** How many more deliveries of the webhook may be leased now. */
export function freeSlots(connection: Connection, webhook: StoredWebhook, now: number): number {
  const live = connection.one<{ count: number }>(
    `SELECT count(*) AS count FROM posthorn_deliveries WHERE phase = 'leased' AND webhook_id = ? AND lease_until > ?`,
    webhook.id,
    now,
  )
  return Math.max(0, webhook.maxInFlight - live.count)
}

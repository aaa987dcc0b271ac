import type { WebhookEvent } from '../../domain/delivery.ts'
import type { Claimed, StoredWebhook } from '../storage.ts'
import type { Connection } from './connection.ts'
import { eventColumns, toEvent, type EventRow } from './event-row.ts'

/** The lease of all that one call leases, and when it runs out. */
export interface NewLease {
  readonly token: string
  readonly until: number
}

/** A delivery to lease, and the webhook that it goes to. */
export interface Leasing {
  readonly id: string
  readonly webhook: StoredWebhook
}

/** Leases deliveries, in one statement, and reads their events, each once. */
export function leaseAll(connection: Connection, leasings: readonly Leasing[], { token, until }: NewLease): Claimed[] {
  if (leasings.length === 0) return []
  const rows = connection.all<LeasedRow>(
    // OR FAIL: see BulkInsert.
    `UPDATE OR FAIL posthorn_deliveries
     SET phase = 'leased', due_at = NULL, lease = ?, lease_until = ?, claim_count = claim_count + 1
     WHERE id IN (SELECT value FROM json_each(?))
     RETURNING id, event_seq, attempt_count, attempts_before, claim_count, is_manual`,
    token,
    until,
    JSON.stringify(leasings.map(({ id }) => id)),
  )
  const leased = new Map(rows.map((row) => [row.id, row]))
  const events = eventsBySeq(connection, new Set(rows.map((row) => row.event_seq)))
  return leasings.map(({ id, webhook }) => {
    const row = leased.get(id)
    const event = row && events.get(row.event_seq)
    if (row === undefined || event === undefined)
      throw new TypeError(`delivery ${id} has no event: its database was changed by others`)
    return {
      id,
      lease: token,
      attemptCount: row.attempt_count,
      attemptsBefore: row.attempts_before,
      claimCount: row.claim_count,
      trigger: row.is_manual === 1 ? 'manual' : 'auto',
      event,
      webhook,
    }
  })
}

/** A delivery as it is once it is leased. */
interface LeasedRow {
  readonly id: string
  readonly event_seq: number
  readonly attempt_count: number
  readonly attempts_before: number
  readonly claim_count: number
  readonly is_manual: number
}

// CROSS JOIN fixes the order: from the list outwards.
function eventsBySeq(connection: Connection, seqs: ReadonlySet<number>): Map<number, WebhookEvent> {
  const rows = connection.all<EventRow & { readonly seq: number }>(
    `SELECT e.seq, ${eventColumns} FROM json_each(?) wanted
     CROSS JOIN posthorn_events e ON e.seq = wanted.value
     LEFT JOIN posthorn_bodies b ON b.event_seq = e.seq`,
    JSON.stringify([...seqs]),
  )
  return new Map(rows.map((row) => [row.seq, toEvent(row)]))
}

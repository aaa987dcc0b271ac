import type { Settled, Settlement, SucceededSettlement } from '../settlement.ts'
import type { Now } from '../steady-clock.ts'
import type { Connection } from './connection.ts'
import { toState, type Phase } from './delivery-row.ts'
import { findLane } from './lane.ts'
import { attemptInsert, attemptValues, recordAttempt } from './record-attempt.ts'
import type { SqliteValue } from './sqlite-value.ts'

/** Applies settlements; those whose lease is not the delivery's own any more are left out of the answer. */
export function settleAll(connection: Connection, settlements: readonly Settlement[], now: Now): Settled[] {
  const settled: Settled[] = []
  const attempts: SqliteValue[] = []
  for (const settlement of settlements) {
    const { id } = settlement
    if (settlement.outcome === 'succeeded' && succeed(connection, settlement, now.wallMs)) {
      attempts.push(...attemptValues(id, settlement.attempt, now.wallMs))
      settled.push({ id, state: 'succeeded' })
      continue
    }
    const one = settle(connection, settlement, now)
    if (one !== null) settled.push(one)
  }
  attemptInsert.write(connection, attempts)
  return settled
}

/** Ends what nearly every settlement ends: a held delivery with an attempt that is not recorded yet. False where it is another case. */
function succeed(connection: Connection, { id, lease, attempt }: SucceededSettlement, now: number): boolean {
  const changed = connection.run(
    `UPDATE posthorn_deliveries SET phase = 'succeeded', reason = NULL, due_at = NULL, lease = NULL, lease_until = NULL,
       finished_at = ?, attempt_count = attempt_count + 1, claim_count = 0, last_status = ?
     WHERE id = ? AND phase = 'leased' AND lease = ? AND attempt_count < ?`,
    now,
    attempt.status,
    id,
    lease,
    attempt.number,
  )
  return changed > 0
}

/** Applies one settlement; null where its lease is not the delivery's own any more. */
function settle(connection: Connection, settlement: Settlement, now: Now): Settled | null {
  const held = connection.first<HeldRow>(
    `SELECT d.attempt_count, d.claim_count, d.last_status, d.lease_until, w.id AS webhook_id, w.is_active
     FROM posthorn_deliveries d LEFT JOIN posthorn_webhooks w ON w.id = d.webhook_id
     WHERE d.id = ? AND d.phase = 'leased' AND d.lease = ?`,
    settlement.id,
    settlement.lease,
  )
  if (held === undefined || !mayGoOn(connection, settlement, held, now.dueMs)) return null
  const attempt = settlement.outcome === 'release' ? undefined : settlement.attempt
  const isRecorded = attempt !== undefined && recordAttempt(connection, settlement.id, attempt, now.wallMs)
  const next = following(settlement, held, now.dueMs)
  connection.run(
    `UPDATE posthorn_deliveries SET phase = ?, reason = ?, due_at = ?, lease = ?, lease_until = ?, finished_at = ?,
       attempt_count = ?, claim_count = ?, last_status = ? WHERE id = ?`,
    next.phase,
    next.reason,
    next.dueAt,
    next.leaseUntil === null ? null : settlement.lease,
    next.leaseUntil,
    toState(next.phase) === 'pending' ? null : now.wallMs,
    held.attempt_count + (isRecorded ? 1 : 0),
    isRecorded ? 0 : held.claim_count - (settlement.outcome === 'release' ? 1 : 0),
    isRecorded ? attempt.status : held.last_status,
    settlement.id,
  )
  return { id: settlement.id, state: toState(next.phase) }
}

interface HeldRow {
  readonly attempt_count: number
  readonly claim_count: number
  readonly last_status: number | null
  readonly lease_until: number
  readonly webhook_id: string | null
  /** Null where the webhook is gone. */
  readonly is_active: number | null
}

// A lease that has run out still ends its delivery as long as nobody took it over, but its slot may be another's by now.
function mayGoOn(connection: Connection, settlement: Settlement, held: HeldRow, now: number): boolean {
  if (settlement.outcome !== 'continue' || held.lease_until > now || held.webhook_id === null) return true
  const lane = findLane(connection, held.webhook_id, now)
  return lane === null || lane.free > 0
}

interface Next {
  readonly phase: Phase
  readonly reason: string | null
  readonly dueAt: number | null
  readonly leaseUntil: number | null
}

function following(settlement: Settlement, held: HeldRow, now: number): Next {
  const end = { dueAt: null, leaseUntil: null }
  if (settlement.outcome === 'succeeded') return { phase: 'succeeded', reason: null, ...end }
  if (settlement.outcome === 'failed') return { phase: 'failed', reason: settlement.reason, ...end }
  if (held.is_active === null) return { phase: 'cancelled', reason: 'deleted', ...end }
  if (held.is_active === 0) return { phase: 'cancelled', reason: 'disabled', ...end }
  if (settlement.outcome === 'continue') {
    return { phase: 'leased', reason: null, dueAt: null, leaseUntil: now + settlement.leaseMs }
  }
  const phase = settlement.retryInMs > 0 ? 'waiting' : 'ready'
  return { phase, reason: null, dueAt: now + settlement.retryInMs, leaseUntil: null }
}

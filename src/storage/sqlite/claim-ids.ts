import type { Now } from '../steady-clock.ts'
import type { ClaimResult } from './claim.ts'
import type { Connection } from './connection.ts'
import { hasDue, nextDueInMs } from './due.ts'
import { findLanes, isGated } from './lane.ts'
import { leaseAll, type Leasing } from './lease.ts'

/** Leases those of `ids` that are due. */
export function claimIds(
  connection: Connection,
  ids: readonly string[],
  limit: number,
  leaseMs: number,
  now: Now,
): ClaimResult {
  const { dueMs } = now
  return connection.write(() => {
    const due = selectDue(connection, ids, dueMs)
    const lanes = findLanes(connection, [...new Set(due.map((row) => row.webhook_id))], dueMs)
    const leasings: Leasing[] = []
    const given = { token: crypto.randomUUID(), until: dueMs + leaseMs }
    for (const row of due) {
      const lane = lanes.get(row.webhook_id)
      if (lane?.webhook.isActive !== true) {
        cancelOne(connection, row.id, lane === undefined ? 'deleted' : 'disabled', now.wallMs)
      } else if (lane.free > 0 && !isGated(lane.webhook, dueMs) && leasings.length < limit) {
        leasings.push({ id: row.id, webhook: lane.webhook })
        lane.free--
      }
    }
    const claimed = leaseAll(connection, leasings, given)
    // Whether what is ready may be claimed is for a claim without ids to find out.
    return { claimed, nextDueInMs: hasDue(connection, dueMs) ? 0 : nextDueInMs(connection, null, dueMs) }
  })
}

function selectDue(connection: Connection, ids: readonly string[], now: number) {
  return connection.all<{ readonly id: string; readonly webhook_id: string }>(
    `SELECT d.id, d.webhook_id FROM posthorn_deliveries d WHERE d.id IN (SELECT value FROM json_each(?)) AND (
       d.phase = 'ready' OR (d.phase = 'waiting' AND d.due_at <= ?) OR (d.phase = 'leased' AND d.lease_until <= ?)
     ) ORDER BY d.id`,
    JSON.stringify(ids),
    now,
    now,
  )
}

function cancelOne(connection: Connection, id: string, reason: 'deleted' | 'disabled', now: number): void {
  connection.run(
    `UPDATE posthorn_deliveries
     SET phase = 'cancelled', reason = ?, finished_at = ?, due_at = NULL, lease = NULL, lease_until = NULL WHERE id = ?`,
    reason,
    now,
    id,
  )
}

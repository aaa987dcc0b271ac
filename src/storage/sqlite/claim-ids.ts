import type { Now } from '../steady-clock.ts'
import type { Claimed, StoredWebhook } from '../storage.ts'
import type { ClaimResult } from './claim.ts'
import type { Connection } from './connection.ts'
import { hasDue, nextDueInMs } from './due.ts'
import { freeSlots, lease, selectClaimable, type ClaimableRow } from './lease.ts'
import { findWebhook } from './webhooks.ts'

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
    const lanes = new Map<string, Lane>()
    const claimed: Claimed[] = []
    for (const row of selectDue(connection, ids, dueMs)) {
      const lane = lanes.get(row.webhook_id) ?? openLane(connection, row.webhook_id, dueMs)
      lanes.set(row.webhook_id, lane)
      if (lane.webhook?.isActive !== true) {
        cancelOne(connection, row.id, lane.webhook === null ? 'deleted' : 'disabled', now.wallMs)
      } else if (lane.free > 0 && claimed.length < limit) {
        claimed.push(lease(connection, row, lane.webhook, dueMs + leaseMs))
        lane.free--
      }
    }
    // Whether what is ready may be claimed is for a claim without ids to find out.
    return { claimed, nextDueInMs: hasDue(connection, dueMs) ? 0 : nextDueInMs(connection, null, dueMs) }
  })
}

function selectDue(connection: Connection, ids: readonly string[], now: number): ClaimableRow[] {
  return connection.all<ClaimableRow>(
    `${selectClaimable} WHERE d.id IN (SELECT value FROM json_each(?)) AND (
       d.phase = 'ready' OR (d.phase = 'waiting' AND d.due_at <= ?) OR (d.phase = 'leased' AND d.lease_until <= ?)
     ) ORDER BY d.id`,
    JSON.stringify(ids),
    now,
    now,
  )
}

interface Lane {
  readonly webhook: StoredWebhook | null
  free: number
}

function openLane(connection: Connection, webhookId: string, now: number): Lane {
  const webhook = findWebhook(connection, webhookId)
  const isGated = webhook !== null && webhook.gateUntil !== null && webhook.gateUntil.getTime() > now
  return { webhook, free: webhook === null || isGated ? 0 : freeSlots(connection, webhook, now) }
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

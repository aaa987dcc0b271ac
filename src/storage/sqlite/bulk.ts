import type { BulkResult } from '../storage.ts'
import type { Now } from '../steady-clock.ts'
import type { Connection } from './connection.ts'
import type { Condition } from './conditions.ts'
import type { DeliveryQuery } from '../delivery-query.ts'
import { whereDelivery } from './delivery-filter.ts'

/** Makes final deliveries due again, spread evenly at random over `spreadMs`. */
export function requeue(
  connection: Connection,
  query: DeliveryQuery & { readonly limit: number; readonly spreadMs?: number },
  random: () => number,
  now: Now,
): BulkResult {
  const isFinal: Condition = [`d.phase IN ('succeeded', 'failed', 'cancelled', 'skipped')`]
  return change(connection, query, isFinal, (id) => {
    const delayMs = Math.floor(random() * (query.spreadMs ?? 0))
    connection.run(
      `UPDATE posthorn_deliveries SET phase = ?, due_at = ?, reason = NULL, finished_at = NULL, is_manual = 1,
         attempts_before = attempt_count, claim_count = 0 WHERE id = ?`,
      delayMs > 0 ? 'waiting' : 'ready',
      now.dueMs + delayMs,
      id,
    )
  })
}

/** Cancels pending deliveries that nobody holds. */
export function cancel(
  connection: Connection,
  query: DeliveryQuery & { readonly limit: number; readonly reason: string },
  now: Now,
): BulkResult {
  const isFree: Condition = [
    `(d.phase IN ('ready', 'waiting') OR (d.phase = 'leased' AND d.lease_until <= ?))`,
    now.dueMs,
  ]
  return change(connection, query, isFree, (id) => {
    connection.run(
      `UPDATE posthorn_deliveries
       SET phase = 'cancelled', reason = ?, finished_at = ?, due_at = NULL, lease = NULL, lease_until = NULL WHERE id = ?`,
      query.reason,
      now.wallMs,
      id,
    )
  })
}

function change(
  connection: Connection,
  query: DeliveryQuery & { readonly limit: number },
  isChangeable: Condition,
  changeOne: (id: string) => void,
): BulkResult {
  const where = whereDelivery(connection, { ...query, order: 'asc' }, isChangeable)
  const rows = connection.all<{ id: string }>(
    `SELECT d.id ${where.sql} ORDER BY d.id LIMIT ?`,
    ...where.values,
    query.limit + 1,
  )
  const changed = rows.slice(0, query.limit)
  for (const row of changed) changeOne(row.id)
  const last = rows.length > query.limit ? changed.at(-1)?.id : where.lastSeen
  return { count: changed.length, nextCursor: last ?? null }
}

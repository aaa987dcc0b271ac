import type { Connection } from './connection.ts'

/** Ends up to `limit` ready deliveries of a webhook that is gone (`deleted`) or not active (`disabled`); returns how many. */
export function cancelReady(
  connection: Connection,
  webhookId: string,
  reason: 'deleted' | 'disabled',
  limit: number,
  now: number,
): number {
  return connection.run(
    `UPDATE OR FAIL posthorn_deliveries SET phase = 'cancelled', reason = ?, finished_at = ?, due_at = NULL WHERE id IN (
       SELECT id FROM posthorn_deliveries WHERE phase = 'ready' AND webhook_id = ? LIMIT ?
     )`,
    reason,
    now,
    webhookId,
    limit,
  )
}

import type { Connection } from './connection.ts'

// What one call moves at most, of either kind: some milliseconds of work.
const chunk = 1000

/** Makes ready what has come due and what a dead holder left. Answers whether there may be more of it. */
export function promote(connection: Connection, now: number): boolean {
  const due = connection.run(
    `UPDATE OR FAIL posthorn_deliveries SET phase = 'ready' WHERE id IN (
       SELECT id FROM posthorn_deliveries WHERE phase = 'waiting' AND due_at <= ? ORDER BY due_at LIMIT ?
     )`,
    now,
    chunk,
  )
  const expired = connection.run(
    `UPDATE OR FAIL posthorn_deliveries SET phase = 'ready', due_at = lease_until, lease = NULL, lease_until = NULL WHERE id IN (
       SELECT id FROM posthorn_deliveries WHERE phase = 'leased' AND lease_until <= ? ORDER BY lease_until LIMIT ?
     )`,
    now,
    chunk,
  )
  return due === chunk || expired === chunk
}

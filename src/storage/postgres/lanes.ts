import type { Names } from './names.ts'
import { instant } from './sql.ts'

/**
 * Common table expressions that find out how much may be leased of each lane of `probed (webhook_id, turn)`, and take those lanes:
 *
 * - `lane`: the webhook of each, null where it is gone
 * - `wanted`: the lanes with free slots, at most `limit` of them in turn
 * - `mine`: those that this statement may lease from, with how many
 *
 * All that a statement sees is as old as its beginning. So a lane's row is locked, without waiting, and compared with how it was seen:
 * where somebody has leased from it meanwhile (every lease counts `claim_count` up), the count of its leases is out of date and the
 * lane is left to the next claim. Leases that have run out hold their slot until they are promoted; before `heldFromMs` there are none.
 */
export function takeLanes({ webhooks, lanes, deliveries, now }: Names, limit: string, heldFromMs: string): string {
  return `lane AS MATERIALIZED (
     SELECT p.webhook_id, p.turn, w.id, w.is_active, w.max_in_flight, w.gate_until, l.claim_count FROM probed p
     LEFT JOIN LATERAL (
       SELECT id, is_active, max_in_flight, gate_until FROM ${webhooks} WHERE id = p.webhook_id LIMIT 1
     ) w ON true
     LEFT JOIN LATERAL (SELECT claim_count FROM ${lanes} WHERE webhook_id = p.webhook_id LIMIT 1) l ON true
   ),
   wanted AS MATERIALIZED (
     SELECT o.webhook_id, o.turn, o.claim_count, o.free FROM (
       SELECT lane.webhook_id, lane.turn, lane.claim_count, lane.max_in_flight - held.count AS free
       FROM lane CROSS JOIN LATERAL (
         SELECT count(*) FROM (
           SELECT 1 FROM ${deliveries} d WHERE d.webhook_id = lane.webhook_id AND d.phase = 'leased'
             AND d.due_at >= ${instant(heldFromMs)} LIMIT lane.max_in_flight
         ) one
       ) held
       WHERE lane.is_active AND (lane.gate_until IS NULL OR lane.gate_until <= ${now})
     ) o WHERE o.free > 0 ORDER BY o.turn LIMIT ${limit}
   ),
   locked AS MATERIALIZED (
     SELECT webhook_id, claim_count FROM ${lanes}
     WHERE webhook_id = ANY(ARRAY(SELECT webhook_id FROM wanted)) FOR UPDATE SKIP LOCKED
   ),
   mine AS MATERIALIZED (
     SELECT wanted.webhook_id, wanted.turn, wanted.free FROM wanted
     JOIN locked ON locked.webhook_id = wanted.webhook_id AND locked.claim_count = wanted.claim_count
   )`
}

/** Counts up the lanes that a relation with a `webhook_id` has leased from. */
export function countClaims({ lanes }: Names, leased: string): string {
  return `counted AS (
     UPDATE ${lanes} SET claim_count = claim_count + 1 WHERE webhook_id = ANY(ARRAY(SELECT DISTINCT webhook_id FROM ${leased}))
   )`
}

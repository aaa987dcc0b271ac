import type { Names } from './names.ts'
import { instant } from './sql.ts'

/** How many lanes one call probes at most, so that it takes milliseconds whatever the backlog. */
export const maxLanes = 200

/** How many deliveries one call reads and leaves at most, because another lane's come first. */
export const maxPassed = 2000

/**
 * `probed`: up to 200 webhooks with something ready, from behind `$1` round to it, one index lookup for each. Nothing is ready since before
 * `$5`, in milliseconds since 1970.
 */
export function probeLanes({ deliveries }: Names): string {
  const first = (condition: string) =>
    `LATERAL (
       SELECT webhook_id, due_at FROM ${deliveries} WHERE phase = 'ready' AND ${condition} AND due_at >= ${instant('$5')}
       ORDER BY webhook_id, due_at LIMIT 1
     ) d`
  const left = `${maxLanes} - (SELECT count(*) FROM above)`
  return `above (webhook_id, due_at, turn) AS (
     SELECT d.webhook_id, d.due_at, 1 FROM ${first('webhook_id > $1')}
     UNION ALL
     SELECT d.webhook_id, d.due_at, a.turn + 1 FROM above a CROSS JOIN ${first('webhook_id > a.webhook_id')} WHERE a.turn < ${maxLanes}
   ),
   below (webhook_id, due_at, turn) AS (
     SELECT d.webhook_id, d.due_at, 1 FROM ${first('webhook_id <= $1')} WHERE ${left} > 0
     UNION ALL
     SELECT d.webhook_id, d.due_at, b.turn + 1 FROM below b
     CROSS JOIN ${first('webhook_id > b.webhook_id AND webhook_id <= $1')} WHERE b.turn < ${left}
   ),
   probed AS MATERIALIZED (
     SELECT webhook_id, due_at, turn FROM above UNION ALL SELECT webhook_id, due_at, turn + ${maxLanes} FROM below
   )`
}

/** The last webhook of some lanes, as SQL. */
export function lastOf(lanes: string): string {
  return `(SELECT webhook_id FROM ${lanes} ORDER BY turn DESC LIMIT 1)`
}

/**
 * Common table expressions that find out how much may be leased of each lane of a relation with a `webhook_id` and a `turn`:
 *
 * - `lane`: the webhook of each with its tenant, null where it is gone
 * - `wanted`: the lanes with free slots, at most `limit` of them in turn, with how many
 *
 * Leases that have run out hold their slot until they are promoted; before `heldFromMs` there are none.
 */
export function openLanes(
  { webhooks, lanes, deliveries, now }: Names,
  relation: string,
  limit: string,
  heldFromMs: string,
): string {
  return `lane AS MATERIALIZED (
     SELECT p.webhook_id, p.turn, w.id, w.tenant_id, w.is_active, w.max_in_flight, w.gate_until, l.claim_count FROM ${relation} p
     LEFT JOIN LATERAL (
       SELECT id, tenant_id, is_active, max_in_flight, gate_until FROM ${webhooks} WHERE id = p.webhook_id LIMIT 1
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
   )`
}

/**
 * Common table expressions that find out how much may be leased of each lane of `probed`, as {@link openLanes} does, and take those lanes:
 * `mine` are those that this statement may lease from, with how many.
 *
 * All that a statement sees is as old as its beginning. So a lane's row is locked, without waiting, and compared with how it was seen:
 * where somebody has leased from it meanwhile (every lease counts `claim_count` up), the count of its leases is out of date and the
 * lane is left to the next claim.
 */
export function takeLanes(names: Names, limit: string, heldFromMs: string): string {
  const { lanes } = names
  return `${openLanes(names, 'probed', limit, heldFromMs)},
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

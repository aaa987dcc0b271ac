import type { Claimed } from '../storage.ts'
import { eventColumns, type EventRow, toEvent } from './event-row.ts'
import { countClaims } from './lanes.ts'
import type { Names } from './names.ts'
import type { Promotion } from './promote.ts'
import { later, newLease } from './sql.ts'
import { toWebhook, webhookColumns, type WebhookRow } from './webhook-row.ts'

/** What one call cancels at most, so that it takes milliseconds whatever the backlog. */
export const maxCancelled = 500

/** What was leased, as {@link selectClaim} reads it. */
export interface ClaimRows {
  readonly deliveries: readonly DeliveryPart[] | null
  /** The events of these, once each: one may have thousands of deliveries. */
  readonly events: readonly (EventRow & { readonly seq: number })[] | null
  /** The webhooks of these, once each. */
  readonly webhooks: readonly WebhookRow[] | null
}

/** What a function answers that claims after it has promoted; `claim` is null where nothing was ready or wanted. */
export interface ClaimAnswer<Rows = ClaimRows> {
  readonly promotion: Promotion
  readonly claim: Rows | null
}

/** What a claim reads of a delivery. */
interface DeliveryPart {
  readonly id: string
  readonly eventSeq: number
  readonly webhookId: string
  readonly lease: string
  readonly attemptCount: number
  readonly attemptsBefore: number
  readonly claimCount: number
  readonly isManual: boolean
}

/**
 * Whether a delivery that was found by its id is ready, as SQL. In this form no index of what is ready can answer it: a plan that reads
 * all of one, which is cheap by estimate, would pass everything that was ready since the last vacuum.
 */
const isReady = `phase || '' = 'ready'`

/** Common table expressions that lease up to `limit` of `candidate (id, place, turn)`: one of each lane in turn, then the second ones. */
export function leaseCandidates(names: Names, limit: string, leaseMs: string): string {
  const { deliveries, now } = names
  return `chosen AS MATERIALIZED (SELECT id FROM candidate ORDER BY place, turn LIMIT ${limit}),
   taken AS MATERIALIZED (
     SELECT id FROM ${deliveries} WHERE id = ANY(ARRAY(SELECT id FROM chosen)) AND ${isReady} FOR UPDATE SKIP LOCKED
   ),
   leased AS (
     UPDATE ${deliveries} SET phase = 'leased', lease = ${newLease}, due_at = ${later(now, leaseMs)},
       claim_count = claim_count + 1
     WHERE id = ANY(ARRAY(SELECT id FROM taken))
     RETURNING id, event_seq, webhook_id, lease, attempt_count, attempts_before, claim_count, is_manual
   ),
   ${countClaims(names, 'leased')}`
}

/** Common table expressions that end up to `limit` ready deliveries of lanes whose webhook is gone or not active. */
export function cancelDoomed({ deliveries, wall }: Names, doomed: string): string {
  return `doomed AS MATERIALIZED (${doomed}),
   met AS MATERIALIZED (
     SELECT id FROM ${deliveries} WHERE id = ANY(ARRAY(SELECT id FROM doomed)) AND ${isReady} FOR UPDATE SKIP LOCKED
   ),
   cancelled AS (
     UPDATE ${deliveries} d SET phase = 'cancelled', due_at = NULL, finished_at = ${wall},
       reason = CASE WHEN (SELECT id FROM lane WHERE lane.webhook_id = d.webhook_id) IS NULL THEN 'deleted' ELSE 'disabled' END
     WHERE id = ANY(ARRAY(SELECT id FROM met)) RETURNING 1
   )`
}

/** Selects what is ready of the lanes whose webhook is gone or not active. */
export function readyOfDoomed({ deliveries }: Names): string {
  return `SELECT d.id FROM lane CROSS JOIN LATERAL (
        SELECT id FROM ${deliveries} WHERE webhook_id = lane.webhook_id AND phase = 'ready' ORDER BY due_at LIMIT ${maxCancelled}
      ) d WHERE lane.is_active IS NOT TRUE LIMIT ${maxCancelled}`
}

/** Common table expression `given`: those of some ids, as SQL, that are ready. */
export function givenReady({ deliveries }: Names, ids: string): string {
  return `given AS MATERIALIZED (SELECT id, webhook_id FROM ${deliveries} WHERE id = ANY(ARRAY(${ids})) AND ${isReady})`
}

/** Selects what was leased as the columns of {@link ClaimRows}. */
export function selectClaim({ events, bodies, webhooks }: Names): string {
  const wanted = 'ANY(ARRAY(SELECT event_seq FROM leased))'
  return `(SELECT json_agg(c) FROM (
       SELECT l.id, l.event_seq AS "eventSeq", l.webhook_id AS "webhookId", l.lease, l.attempt_count AS "attemptCount",
         l.claim_count AS "claimCount", l.attempts_before AS "attemptsBefore", l.is_manual AS "isManual" FROM leased l
     ) c) AS deliveries,
     (SELECT json_agg(e) FROM (
       SELECT e.seq, ${eventColumns} FROM (SELECT * FROM ${events} WHERE seq = ${wanted} OFFSET 0) e
       LEFT JOIN (SELECT * FROM ${bodies} WHERE event_seq = ${wanted} OFFSET 0) b ON b.event_seq = e.seq
     ) e) AS events,
     (SELECT json_agg(w) FROM (
       SELECT ${webhookColumns} FROM ${webhooks} w WHERE w.id = ANY(ARRAY(SELECT webhook_id FROM leased))
     ) w) AS webhooks`
}

/** The body of a function that promotes by the expression `promoting` and then, where that leaves something ready, claims: two statements. */
export function claimingAfter(promoting: string, select: string, ctes: string, isWanted = 'true'): string {
  return `DECLARE promotion json := ${promoting}; claim json;
BEGIN
  IF (promotion->>'hasReady')::boolean AND ${isWanted} THEN
    ${ctes} SELECT row_to_json(r) INTO claim FROM (${select}) r;
  END IF;
  answer := json_build_object('promotion', promotion, 'claim', claim)::text;
END;`
}

/** Puts together what the rows say. */
export function readClaim({ deliveries, events, webhooks }: ClaimRows): Claimed[] {
  const found = new Map((events ?? []).map(({ seq, ...event }) => [seq, toEvent(event)]))
  const known = new Map((webhooks ?? []).map((webhook) => [webhook.id, toWebhook(webhook)]))
  return (deliveries ?? []).flatMap((delivery) => {
    const { id, eventSeq, webhookId, lease, attemptCount, attemptsBefore, claimCount, isManual } = delivery
    const event = found.get(eventSeq)
    const webhook = known.get(webhookId)
    if (event === undefined || webhook === undefined) return []
    const trigger = isManual ? 'manual' : 'auto'
    return [
      {
        id,
        lease,
        attemptCount,
        attemptsBefore,
        claimCount,
        trigger,
        event,
        webhook,
      } as const,
    ]
  })
}

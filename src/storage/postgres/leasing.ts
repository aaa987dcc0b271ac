import type { Claimed } from '../storage.ts'
import { eventColumns, type EventRow, toEvent } from './event-row.ts'
import { countClaims } from './lanes.ts'
import type { Names } from './names.ts'
import { later } from './sql.ts'
import { toWebhook, webhookColumns, type WebhookRow } from './webhook-row.ts'

/** A row of a statement that claims: one of the things that it has to say. */
export interface ClaimRow<Survey> {
  readonly delivery: DeliveryPart | null
  readonly webhook: WebhookRow | null
  readonly survey: Survey | null
}

/** What a claim reads of a delivery. */
interface DeliveryPart {
  readonly id: string
  readonly webhookId: string
  readonly lease: string
  readonly attemptCount: number
  readonly attemptsBefore: number
  readonly claimCount: number
  readonly isManual: boolean
  readonly event: EventRow
}

/** Common table expressions that lease up to `limit` of `candidate (id, place, turn)`: one of each lane in turn, then the second ones. */
export function leaseCandidates(names: Names, limit: string, leaseMs: string): string {
  const { deliveries, now } = names
  return `chosen AS MATERIALIZED (SELECT id FROM candidate ORDER BY place, turn LIMIT ${limit}),
   taken AS MATERIALIZED (
     SELECT id FROM ${deliveries} WHERE id = ANY(ARRAY(SELECT id FROM chosen)) AND phase = 'ready' FOR UPDATE SKIP LOCKED
   ),
   leased AS (
     UPDATE ${deliveries} SET phase = 'leased', lease = gen_random_uuid(), due_at = ${later(now, leaseMs)},
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
     SELECT id FROM ${deliveries} WHERE id = ANY(ARRAY(SELECT id FROM doomed)) AND phase = 'ready' FOR UPDATE SKIP LOCKED
   ),
   cancelled AS (
     UPDATE ${deliveries} d SET phase = 'cancelled', due_at = NULL, finished_at = ${wall},
       reason = CASE WHEN (SELECT id FROM lane WHERE lane.webhook_id = d.webhook_id) IS NULL THEN 'deleted' ELSE 'disabled' END
     WHERE id = ANY(ARRAY(SELECT id FROM met)) RETURNING 1
   )`
}

/** Selects what was leased as {@link ClaimRow}s. Webhooks come once each, and `survey` in a row of its own. */
export function selectClaim({ events, bodies, webhooks }: Names, survey: string): string {
  return `SELECT row_to_json(c) AS delivery, NULL::json AS webhook, NULL::json AS survey FROM (
       SELECT l.id, l.webhook_id AS "webhookId", l.lease, l.attempt_count AS "attemptCount", l.claim_count AS "claimCount",
         l.attempts_before AS "attemptsBefore", l.is_manual AS "isManual", row_to_json(e) AS event
       FROM leased l CROSS JOIN LATERAL (
         SELECT ${eventColumns} FROM ${events} e LEFT JOIN ${bodies} b ON b.event_seq = e.seq WHERE e.seq = l.event_seq OFFSET 0
       ) e
     ) c
     UNION ALL SELECT NULL, row_to_json(w), NULL FROM (
       SELECT ${webhookColumns} FROM ${webhooks} w WHERE w.id = ANY(ARRAY(SELECT webhook_id FROM leased))
     ) w
     UNION ALL SELECT NULL, NULL, row_to_json(s) FROM (${survey}) s`
}

/** Puts together what the rows say. */
export function readClaim<Survey>(rows: readonly ClaimRow<Survey>[]): { claimed: Claimed[]; survey: Survey } {
  const webhooks = new Map<string, WebhookRow>()
  let survey: Survey | null = null
  for (const row of rows) {
    if (row.webhook !== null) webhooks.set(row.webhook.id, row.webhook)
    survey ??= row.survey
  }
  if (survey === null) throw new Error('a claim that always gives a survey gave none')
  const claimed = rows.flatMap(({ delivery }) => {
    const webhook = webhooks.get(delivery?.webhookId ?? '')
    if (delivery === null || webhook === undefined) return []
    const { id, lease, attemptCount, attemptsBefore, claimCount, isManual, event } = delivery
    const trigger = isManual ? 'manual' : 'auto'
    return [
      {
        id,
        lease,
        attemptCount,
        attemptsBefore,
        claimCount,
        trigger,
        event: toEvent(event),
        webhook: toWebhook(webhook),
      } as const,
    ]
  })
  return { claimed, survey }
}

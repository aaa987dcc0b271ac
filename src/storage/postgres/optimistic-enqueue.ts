import type { ClaimNew, KnownMatch } from '../query.ts'
import type { Claimed, NewEvent } from '../storage.ts'
import { columnsText, readColumns } from './columns.ts'
import type { Database } from './database.ts'
import { assertDelivery, eventCells, writtenColumns } from './enqueue-input.ts'
import { firstClaim } from '../first-claim.ts'
import { countClaims, takeLanes } from './lanes.ts'
import { isNotified, later, ms, newLease, notified } from './sql.ts'
import { answerRow, type FunctionNames, StoredFunction } from './stored-function.ts'
import { toWebhook, webhookColumns, type WebhookRow } from './webhook-row.ts'
import { knownMatches, matchFunction } from './webhooks.ts'

/**
 * Whether {@link enqueueOptimistically} can write these events: every delivery is to be leased at once, as nearly all are in a process with slots free.
 */
export function isForOptimists(events: readonly NewEvent[], { limit }: ClaimNew): boolean {
  let count = 0
  const ids = new Set<string>()
  for (const { id, idempotencyKey, delayMs = 0, deliveries } of events) {
    if (idempotencyKey !== undefined || delayMs > 0) return false
    if (deliveries.some(({ skip }) => skip !== undefined)) return false
    count += deliveries.length
    ids.add(id)
  }
  // Two tenants may have events of one id; here the id alone says which is meant.
  return count <= limit && ids.size === events.length
}

/**
 * Writes events and leases their deliveries, without a look at whether they are there already: where one is, the statement fails by its unique index, and nothing is written.
 */
export async function enqueueOptimistically(
  database: Database,
  events: readonly NewEvent[],
  { leaseMs }: ClaimNew,
  ifMatched: readonly KnownMatch[],
  heldFromMs: number,
): Promise<Claimed[] | 'stale'> {
  const known = ifMatched.length === 0 ? [null, null] : knownMatches(ifMatched)
  const input = [...columnsText(eventCells(events)), ...deliveriesText(events), leaseMs, heldFromMs, ...known]
  const answer = await database.call<OptimisticAnswer | null>(optimisticEnqueueFunction, input)
  return answer === null ? 'stale' : claimedOf(answer, events)
}

/** What the function answers. */
interface OptimisticAnswer {
  /** When it was written, in milliseconds since 1970 by the server's clock. */
  readonly now: number
  /** The lease of all that was leased. */
  readonly lease: string
  /** The deliveries that were not, null where all were. */
  readonly others: readonly string[] | null
  /** The webhooks that were leased from. */
  readonly webhooks: readonly WebhookRow[] | null
}

/** `turn`: which one of its webhook it is, from 1. */
const deliveryColumns = { id: 'uuid', '"webhookId"': 'uuid', '"eventId"': 'uuid', turn: 'integer' }

function deliveriesText(events: readonly NewEvent[]) {
  const columns = { ids: [] as string[], webhookIds: [] as string[], eventIds: [] as string[], turns: [] as number[] }
  const countsByTenant = new Map<string, Map<string, number>>()
  for (const [n, { id: eventId, tenantId, deliveries }] of events.entries()) {
    // What names the webhook of another tenant is not leased, and takes no turn.
    const counts = countsByTenant.get(tenantId) ?? new Map<string, number>()
    countsByTenant.set(tenantId, counts)
    for (const [index, delivery] of deliveries.entries()) {
      assertDelivery(delivery, `events[${n}].deliveries[${index}]`)
      const turn = (counts.get(delivery.webhookId) ?? 0) + 1
      counts.set(delivery.webhookId, turn)
      columns.ids.push(delivery.id)
      columns.webhookIds.push(delivery.webhookId)
      columns.eventIds.push(eventId)
      columns.turns.push(turn)
    }
  }
  return columnsText(Object.values(columns))
}

/**
 * Writes the events of `$1` and their deliveries of `$3`, each with the mark of its columns behind it, and leases as many of these as the lanes allow
 * for `$5` ms; leases are held since `$6`. Where `$7` is given, and who wants the events of these types is not `$8` any more, it writes
 * nothing and answers null.
 */
export const optimisticEnqueueFunction = new StoredFunction(
  'enqueue_optimistically',
  ['text', 'text', 'text', 'text', 'float8', 'float8', 'text', 'text'],
  (
    names,
  ) => `IF $7 IS NOT NULL AND ${matchFunction.callingWithin(names, '$7')}::jsonb <> $8::jsonb THEN RETURN 'null'; END IF;
${answerRow(selectLeased(names), enqueueing(names))}`,
)

function enqueueing(names: FunctionNames): string {
  const { events, bodies, deliveries, now, wall, channel, isNotifying } = names
  return `WITH input AS MATERIALIZED (
     ${readColumns('$1', '$2', writtenColumns)}
   ),
   written AS (
     INSERT INTO ${events} (tenant_id, id, type, content_type, created_at)
     SELECT "tenantId", id, type, "contentType", ${wall} FROM input RETURNING seq, tenant_id, id
   ),
   embodied AS (
     INSERT INTO ${bodies} (event_seq, body) SELECT w.seq, i.body FROM written w JOIN input i ON i.id = w.id
   ),
   asked_for AS MATERIALIZED (${readColumns('$3', '$4', deliveryColumns)}),
   probed AS MATERIALIZED (SELECT DISTINCT "webhookId" AS webhook_id, 1 AS turn FROM asked_for),
   ${takeLanes(names, 'ALL', '$6')},
   held AS MATERIALIZED (SELECT ${newLease} AS lease),
   delivered AS (
     INSERT INTO ${deliveries} (id, event_seq, webhook_id, tenant_id, phase, reason, attempt_count, attempts_before, claim_count,
       is_manual, due_at, lease, created_at, finished_at)
     SELECT f.id, f.seq, f.webhook_id, f.tenant_id, f.phase, CASE WHEN f.phase = 'cancelled' THEN 'deleted' END, 0, 0,
       CASE WHEN f.phase = 'leased' THEN 1 ELSE 0 END, false,
       CASE f.phase WHEN 'leased' THEN ${later(now, '$5')} WHEN 'ready' THEN ${now} END,
       CASE WHEN f.phase = 'leased' THEN (SELECT lease FROM held) END, ${wall},
       CASE WHEN f.phase = 'cancelled' THEN ${wall} END
     FROM (
       SELECT d.id, w.seq, d."webhookId" AS webhook_id, w.tenant_id, CASE
         WHEN lane.id IS NULL THEN 'cancelled' WHEN d.turn <= mine.free THEN 'leased' ELSE 'ready' END AS phase
       FROM asked_for d JOIN written w ON w.id = d."eventId"
       LEFT JOIN lane ON lane.webhook_id = d."webhookId" AND lane.tenant_id = w.tenant_id
       LEFT JOIN mine ON mine.webhook_id = d."webhookId" OFFSET 0
     ) f RETURNING id, phase
   ),
   ${countClaims(names, 'mine')}, ${notified(channel, `delivered WHERE phase = 'ready' AND ${isNotifying}`)}`
}

function selectLeased({ webhooks, wall }: FunctionNames): string {
  return `SELECT ${ms(wall)} AS now, (SELECT lease FROM held) AS lease,
     (SELECT json_agg(id) FROM delivered WHERE phase <> 'leased') AS others,
     (SELECT json_agg(w) FROM (
       SELECT ${webhookColumns} FROM ${webhooks} w WHERE w.id = ANY(ARRAY(SELECT webhook_id FROM mine))
     ) w) AS webhooks WHERE ${isNotified}`
}

function claimedOf({ now, lease, others, webhooks }: OptimisticAnswer, events: readonly NewEvent[]): Claimed[] {
  const known = new Map((webhooks ?? []).map((webhook) => [webhook.id, toWebhook(webhook)]))
  const left = new Set(others ?? [])
  return events.flatMap((event) =>
    event.deliveries.flatMap(({ id, webhookId }) => {
      const webhook = known.get(webhookId)
      return webhook === undefined || left.has(id) ? [] : firstClaim(id, lease, event, webhook, now)
    }),
  )
}

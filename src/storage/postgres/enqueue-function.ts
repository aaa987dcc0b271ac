import { readColumns } from './columns.ts'
import { deliveryColumns, eventColumns } from './enqueue-input.ts'
import { countClaims, takeLanes } from './lanes.ts'
import type { Names } from './names.ts'
import { isNotified, later, ms, newLease, notified } from './sql.ts'
import { answerRow, type FunctionNames, StoredFunction } from './stored-function.ts'
import { webhookColumns } from './webhook-row.ts'

/** Which parts a write needs: the others are left out, so that the usual one takes less time. */
interface EnqueueNeeds {
  /** Whether an event has an idempotency key. */
  readonly hasKeys: boolean
  /** Whether deliveries are leased as they are written. */
  readonly isClaiming: boolean
}

/**
 * Write the events of `$1` and their deliveries of `$3`, each with the mark of its columns behind it, and lease up to `$5` of them for `$6` ms;
 * leases are held since `$7`. Those that do not claim have the same parameters and pass over these three.
 */
export const enqueueFunctions = {
  plain: enqueueFunction('enqueue', { hasKeys: false, isClaiming: false }),
  keyed: enqueueFunction('enqueue_keyed', { hasKeys: true, isClaiming: false }),
  claiming: enqueueFunction('enqueue_claiming', { hasKeys: false, isClaiming: true }),
  keyedClaiming: enqueueFunction('enqueue_keyed_claiming', { hasKeys: true, isClaiming: true }),
}

function enqueueFunction(title: string, needs: EnqueueNeeds): StoredFunction {
  return new StoredFunction(title, ['text', 'text', 'text', 'text', 'integer', 'float8', 'float8'], (names) =>
    answerRow(selectEnqueued(names, needs), enqueueing(names, needs)),
  )
}

// More than one for each key that is written, so that the expired ones die out.
const forgottenPerKey = 4

/** Writes the events of `$1` and their deliveries of `$3`. Whatever is violated, nothing of them is written. */
function enqueueing(names: FunctionNames, needs: EnqueueNeeds): string {
  const { events, bodies, deliveries, webhooks, now, wall, channel, isNotifying } = names
  return `WITH input AS MATERIALIZED (
     ${readColumns('$1', '$2', eventColumns)}
   ),
   ${needs.hasKeys ? takeKeys(names) : ''}
   written AS (
     INSERT INTO ${events} (tenant_id, id, type, content_type, idempotency_key, created_at)
     SELECT "tenantId", id, type, "contentType", key, ${wall} FROM input i
     ${needs.hasKeys ? 'WHERE n NOT IN (SELECT n FROM stored) AND (key IS NULL OR (SELECT h.id FROM holder h WHERE h.tenant_id = i."tenantId" AND h.key = i.key) = i.id)' : ''}
     ORDER BY n ON CONFLICT (tenant_id, id) DO NOTHING RETURNING seq, tenant_id, id
   ),
   embodied AS (
     INSERT INTO ${bodies} (event_seq, body)
     SELECT w.seq, i.body FROM written w JOIN input i ON i.id = w.id AND i."tenantId" = w.tenant_id
   ),
   asked_for AS MATERIALIZED (${readColumns('$3', '$4', deliveryColumns)}),
   known AS MATERIALIZED (
     SELECT id, tenant_id FROM ${webhooks} WHERE id = ANY(ARRAY(SELECT DISTINCT "webhookId" FROM asked_for))
   ),
   fresh AS MATERIALIZED (
     SELECT d.n AS place, d.id, d."webhookId" AS webhook_id, d.skip, w.seq, w.tenant_id, i."delayMs" AS delay, h.id IS NULL AS is_gone
     FROM asked_for d
     JOIN input i ON i.n = d."eventPlace" JOIN written w ON w.id = i.id AND w.tenant_id = i."tenantId"
     LEFT JOIN known h ON h.id = d."webhookId" AND h.tenant_id = w.tenant_id
   ),
   ${needs.isClaiming ? chooseDeliveries(names) : ''}
   delivered AS (
     INSERT INTO ${deliveries} (id, event_seq, webhook_id, tenant_id, phase, reason, attempt_count, attempts_before, claim_count,
       is_manual, due_at, lease, created_at, finished_at)
     SELECT f.id, f.seq, f.webhook_id, f.tenant_id, f.phase, coalesce(f.skip, CASE WHEN f.is_gone THEN 'deleted' END), 0, 0,
       CASE WHEN f.phase = 'leased' THEN 1 ELSE 0 END, false,
       CASE f.phase WHEN 'leased' THEN ${needs.isClaiming ? later(now, '$6') : 'NULL'}
         WHEN 'waiting' THEN ${later(now, 'f.delay')} WHEN 'ready' THEN ${now} END,
       CASE WHEN f.phase = 'leased' THEN ${newLease} END, ${wall},
       CASE WHEN f.phase IN ('skipped', 'cancelled') THEN ${wall} END
     FROM (SELECT fresh.*, ${phase(needs)} AS phase FROM fresh OFFSET 0) f ORDER BY f.place
     RETURNING id, webhook_id, phase, lease
   )${needs.isClaiming ? `, leased AS (SELECT id, webhook_id, lease FROM delivered WHERE phase = 'leased'), ${countClaims(names, 'leased')}` : ''}, ${notified(channel, `delivered WHERE phase = 'ready' AND ${isNotifying}`)}`
}

/** Who holds the keys, and what was leased: the columns of an `EnqueueAnswer`. Without a key, an event is written, or was before. */
function selectEnqueued({ webhooks, wall }: FunctionNames, { hasKeys, isClaiming }: EnqueueNeeds): string {
  const answer = hasKeys
    ? `(SELECT json_agg(k) FROM (
         SELECT i.n, i.n IN (SELECT n FROM stored) AS "isStored", h.id AS "holderId", h.body_hash AS "holderHash"
         FROM input i JOIN holder h ON h.tenant_id = i."tenantId" AND h.key = i.key
       ) k) AS keyed`
    : 'NULL AS keyed'
  if (!isClaiming) return `SELECT ${answer} WHERE ${isNotified}`
  return `SELECT ${answer}, ${ms(wall)} AS now,
     (SELECT row_to_json(c) FROM (
       SELECT json_agg(id) AS ids, json_agg(webhook_id) AS "webhookIds", json_agg(lease) AS leases FROM leased
     ) c) AS claimed,
     (SELECT json_agg(w) FROM (
       SELECT ${webhookColumns} FROM ${webhooks} w WHERE w.id = ANY(ARRAY(SELECT webhook_id FROM leased))
     ) w) AS webhooks WHERE ${isNotified}`
}

/**
 * `stored`: which events of the batch were written before. `holder`: who has each key of the batch, after the first event with it has asked
 * for it: an insert waits for whoever is writing the same key, and the update without effect lets it see what that one has committed, which
 * the statement itself could not.
 */
function takeKeys({ idempotency, events, now }: Names): string {
  const isFree = `k.expires_at <= ${now}`
  return `stored AS MATERIALIZED (
     SELECT i.n FROM input i
     CROSS JOIN LATERAL (SELECT 1 FROM ${events} WHERE tenant_id = i."tenantId" AND id = i.id LIMIT 1) e
   ),
   asked AS MATERIALIZED (
     SELECT DISTINCT ON ("tenantId", key) "tenantId", key, id, "bodyHash", "ttlMs" FROM input
     WHERE key IS NOT NULL AND n NOT IN (SELECT n FROM stored) ORDER BY "tenantId", key, n
   ),
   forgotten AS (
     DELETE FROM ${idempotency} WHERE ctid = ANY(ARRAY(
       SELECT k.ctid FROM ${idempotency} k
       WHERE ${isFree} AND NOT EXISTS (SELECT 1 FROM asked WHERE asked."tenantId" = k.tenant_id AND asked.key = k.key)
       ORDER BY k.expires_at LIMIT ${forgottenPerKey} * (SELECT count(*) FROM asked) FOR UPDATE SKIP LOCKED
     ))
   ),
   holder (tenant_id, key, id, body_hash) AS (
     INSERT INTO ${idempotency} AS k (tenant_id, key, event_id, body_hash, expires_at)
     SELECT "tenantId", key, id, "bodyHash", ${later(now, '"ttlMs"')} FROM asked ORDER BY "tenantId", key
     ON CONFLICT (tenant_id, key) DO UPDATE SET
       event_id = CASE WHEN ${isFree} THEN excluded.event_id ELSE k.event_id END,
       body_hash = CASE WHEN ${isFree} THEN excluded.body_hash ELSE k.body_hash END,
       expires_at = CASE WHEN ${isFree} THEN excluded.expires_at ELSE k.expires_at END
     RETURNING tenant_id, key, event_id, body_hash
   ),`
}

/** `chosen`: which of the new deliveries are leased as they are written, under the rules of a claim. */
function chooseDeliveries(names: Names): string {
  return `probed AS MATERIALIZED (
     SELECT DISTINCT webhook_id, 1 AS turn FROM fresh WHERE skip IS NULL AND NOT is_gone AND delay <= 0
   ),
   ${takeLanes(names, 'ALL', '$7')},
   chosen AS MATERIALIZED (
     SELECT c.id FROM (
       SELECT fresh.id, fresh.place, mine.free, row_number() OVER (PARTITION BY fresh.webhook_id ORDER BY fresh.place) AS turn
       FROM fresh JOIN mine ON mine.webhook_id = fresh.webhook_id WHERE skip IS NULL AND NOT is_gone AND delay <= 0
     ) c WHERE c.turn <= c.free ORDER BY c.place LIMIT $5
   ),`
}

/** Where a new delivery stands. One for a webhook that is gone, or a foreign one, ends here: nothing could claim it. */
function phase({ isClaiming }: EnqueueNeeds): string {
  return `CASE WHEN skip IS NOT NULL THEN 'skipped' WHEN is_gone THEN 'cancelled' WHEN delay > 0 THEN 'waiting'
     ${isClaiming ? `WHEN id IN (SELECT id FROM chosen) THEN 'leased'` : ''} ELSE 'ready' END`
}

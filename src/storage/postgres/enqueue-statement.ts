import { countClaims, takeLanes } from './lanes.ts'
import type { Names } from './names.ts'
import { isNotified, later, ms, notified } from './sql.ts'
import { webhookColumns } from './webhook-row.ts'

/** Which parts the statement needs: the others are left out, so that the usual one is planned in less time. */
export interface EnqueueNeeds {
  /** Whether an event has an idempotency key. */
  readonly hasKeys: boolean
  /** Whether deliveries are leased as they are written: up to `$3` of them, for `$4` ms; `$5` is since when leases are held. */
  readonly isClaiming: boolean
}

// More than one for each key that is written, so that the expired ones die out.
const forgottenPerKey = 4

/** Writes the events of `$1` and their deliveries of `$2`. Whatever is violated, nothing of them is written. */
export function enqueueStatement(names: Names, needs: EnqueueNeeds): string {
  const { events, bodies, deliveries, webhooks, now, wall, channel } = names
  return `WITH input AS MATERIALIZED (
     SELECT * FROM jsonb_to_recordset(($1::text)::jsonb) AS i(n integer, id uuid, "tenantId" text, type text, body text,
       "contentType" text, key text, "bodyHash" text, "ttlMs" float8, "delayMs" float8)
   ),
   stored AS MATERIALIZED (
     SELECT i.n FROM input i
     CROSS JOIN LATERAL (SELECT 1 FROM ${events} WHERE tenant_id = i."tenantId" AND id = i.id LIMIT 1) e
   ),
   ${needs.hasKeys ? takeKeys(names) : ''}
   written AS (
     INSERT INTO ${events} (tenant_id, id, type, content_type, idempotency_key, created_at)
     SELECT "tenantId", id, type, "contentType", key, ${wall} FROM input i
     WHERE n NOT IN (SELECT n FROM stored) ${needs.hasKeys ? 'AND (key IS NULL OR (SELECT h.id FROM holder h WHERE h.tenant_id = i."tenantId" AND h.key = i.key) = i.id)' : ''}
     ORDER BY n ON CONFLICT (tenant_id, id) DO NOTHING RETURNING seq, tenant_id, id
   ),
   embodied AS (
     INSERT INTO ${bodies} (event_seq, body)
     SELECT w.seq, i.body FROM written w JOIN input i ON i.id = w.id AND i."tenantId" = w.tenant_id
   ),
   fresh AS MATERIALIZED (
     SELECT d.place, d.id, d."webhookId" AS webhook_id, d.skip, w.seq, w.tenant_id, i."delayMs" AS delay, h.id IS NULL AS is_gone
     FROM jsonb_to_recordset(($2::text)::jsonb) AS d(n integer, place integer, id uuid, "webhookId" uuid, skip text)
     JOIN input i ON i.n = d.n JOIN written w ON w.id = i.id AND w.tenant_id = i."tenantId"
     LEFT JOIN LATERAL (SELECT id FROM ${webhooks} WHERE id = d."webhookId" AND tenant_id = w.tenant_id LIMIT 1) h ON true
   ),
   ${needs.isClaiming ? chooseDeliveries(names) : ''}
   delivered AS (
     INSERT INTO ${deliveries} (id, event_seq, webhook_id, tenant_id, phase, reason, attempt_count, attempts_before, claim_count,
       is_manual, due_at, lease, created_at, finished_at)
     SELECT f.id, f.seq, f.webhook_id, f.tenant_id, f.phase, coalesce(f.skip, CASE WHEN f.is_gone THEN 'deleted' END), 0, 0,
       CASE WHEN f.phase = 'leased' THEN 1 ELSE 0 END, false,
       CASE f.phase WHEN 'leased' THEN ${needs.isClaiming ? later(now, '$4::float8') : 'NULL'}
         WHEN 'waiting' THEN ${later(now, 'f.delay')} WHEN 'ready' THEN ${now} END,
       CASE WHEN f.phase = 'leased' THEN gen_random_uuid() END, ${wall},
       CASE WHEN f.phase IN ('skipped', 'cancelled') THEN ${wall} END
     FROM (SELECT fresh.*, ${phase(needs)} AS phase FROM fresh) f ORDER BY f.place
     RETURNING id, webhook_id, phase, lease
   )${needs.isClaiming ? `, leased AS (SELECT id, webhook_id, lease FROM delivered WHERE phase = 'leased'), ${countClaims(names, 'leased')}` : ''}${channel === null ? '' : `, ${notified(channel, `delivered WHERE phase = 'ready'`)}`}`
}

/** What became of each event, and what was leased. */
export function selectEnqueued({ webhooks, wall, channel }: Names, { hasKeys, isClaiming }: EnqueueNeeds): string {
  const holder = hasKeys
    ? 'LEFT JOIN holder h ON h.tenant_id = i."tenantId" AND h.key = i.key'
    : 'CROSS JOIN (SELECT NULL AS id, NULL AS body_hash) h'
  const event = `SELECT i.n, i.n IN (SELECT n FROM stored) AS "isStored", h.id AS "holderId", h.body_hash AS "holderHash" FROM input i ${holder}${channel === null ? '' : ` WHERE ${isNotified}`}`
  const answers = `SELECT row_to_json(a) AS event, NULL::json AS claimed, NULL::json AS webhook FROM (${event}) a`
  if (!isClaiming) return answers
  return `${answers}
   UNION ALL SELECT NULL, row_to_json(c), NULL FROM (
     SELECT id, lease, webhook_id AS "webhookId", ${ms(wall)} AS now FROM leased
   ) c
   UNION ALL SELECT NULL, NULL, row_to_json(w) FROM (
     SELECT ${webhookColumns} FROM ${webhooks} w WHERE w.id = ANY(ARRAY(SELECT webhook_id FROM leased))
   ) w`
}

/**
 * `holder`: who has each key of the batch, after the first event with it has asked for it. An insert waits for whoever is writing the
 * same key, and the update without effect lets it see what that one has committed, which the statement itself could not.
 */
function takeKeys({ idempotency, now }: Names): string {
  const isFree = `k.expires_at <= ${now}`
  return `asked AS MATERIALIZED (
     SELECT DISTINCT ON ("tenantId", key) "tenantId", key, id, "bodyHash", "ttlMs" FROM input
     WHERE key IS NOT NULL AND n NOT IN (SELECT n FROM stored) ORDER BY "tenantId", key, n
   ),
   forgotten AS (
     DELETE FROM ${idempotency} f USING (
       SELECT k.tenant_id, k.key FROM ${idempotency} k
       WHERE ${isFree} AND NOT EXISTS (SELECT 1 FROM asked WHERE asked."tenantId" = k.tenant_id AND asked.key = k.key)
       ORDER BY k.expires_at LIMIT ${forgottenPerKey} * (SELECT count(*) FROM asked) FOR UPDATE SKIP LOCKED
     ) old WHERE f.tenant_id = old.tenant_id AND f.key = old.key
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
   ${takeLanes(names, 'ALL', '$5')},
   chosen AS MATERIALIZED (
     SELECT c.id FROM (
       SELECT fresh.id, fresh.place, mine.free, row_number() OVER (PARTITION BY fresh.webhook_id ORDER BY fresh.place) AS turn
       FROM fresh JOIN mine ON mine.webhook_id = fresh.webhook_id WHERE skip IS NULL AND NOT is_gone AND delay <= 0
     ) c WHERE c.turn <= c.free ORDER BY c.place LIMIT $3::integer
   ),`
}

/** Where a new delivery stands. One for a webhook that is gone, or a foreign one, ends here: nothing could claim it. */
function phase({ isClaiming }: EnqueueNeeds): string {
  return `CASE WHEN skip IS NOT NULL THEN 'skipped' WHEN is_gone THEN 'cancelled' WHEN delay > 0 THEN 'waiting'
     ${isClaiming ? `WHEN id IN (SELECT id FROM chosen) THEN 'leased'` : ''} ELSE 'ready' END`
}

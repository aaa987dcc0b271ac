import type { StoredWebhook } from '../storage.ts'
import type { Connection } from './connection.ts'
import { toWebhook, type WebhookRow } from './webhook-row.ts'

/** A webhook, and how many more deliveries to it may be leased. */
export interface Lane {
  readonly webhook: StoredWebhook
  free: number
}

/** A webhook that has something ready; its lane is null where the webhook is gone. */
export interface ReadyLane {
  readonly webhookId: string
  readonly lane: Lane | null
}

/** Reads a webhook with its free slots, gated or active as it may be; null where it is gone. */
export function findLane(connection: Connection, webhookId: string, nowMs: number): Lane | null {
  return findLanes(connection, [webhookId], nowMs).get(webhookId) ?? null
}

/** Reads webhooks as {@link findLane} does, in one statement. */
export function findLanes(connection: Connection, webhookIds: readonly string[], nowMs: number): Map<string, Lane> {
  const rows = connection.all<LaneRow & { readonly id: string }>(
    `SELECT w.*, ${live} AS live FROM json_each(?) wanted CROSS JOIN posthorn_webhooks w ON w.id = wanted.value`,
    nowMs,
    JSON.stringify(webhookIds),
  )
  return new Map(rows.map((row) => [row.id, toLane(row)]))
}

/**
 * Reads the first `count` webhooks above an id, and not above another, that have something ready: one step in the index each, whatever waits
 * there.
 */
export function readyLanes(
  connection: Connection,
  { after, upTo, count }: { readonly after: string; readonly upTo: string; readonly count: number },
  nowMs: number,
): ReadyLane[] {
  const rows = connection.all<{ readonly lane: string } & (LaneRow | NoLaneRow)>(
    `WITH RECURSIVE lanes (lane) AS (
       SELECT * FROM (${nextLaneAfter('?')})
       UNION ALL
       SELECT (${nextLaneAfter('lanes.lane')}) FROM lanes WHERE lanes.lane < ? LIMIT ?
     )
     SELECT lanes.lane, w.*, ${live} AS live FROM lanes LEFT JOIN posthorn_webhooks w ON w.id = lanes.lane
     WHERE lanes.lane <= ?`,
    after,
    upTo,
    count,
    nowMs,
    upTo,
  )
  return rows.map((row) => ({ webhookId: row.lane, lane: row.id === null ? null : toLane(row) }))
}

/** Whether the receiver of a webhook has asked for time. */
export function isGated({ gateUntil }: StoredWebhook, nowMs: number): boolean {
  return gateUntil !== null && gateUntil.getTime() > nowMs
}

/** The first webhook above an id that has something ready. */
export function nextLaneAfter(id: string): string {
  return `SELECT webhook_id FROM posthorn_deliveries WHERE phase = 'ready' AND webhook_id > ${id} ORDER BY webhook_id LIMIT 1`
}

type LaneRow = WebhookRow & { readonly live: number }
type NoLaneRow = { readonly id: null }

const live = `(
  SELECT count(*) FROM posthorn_deliveries WHERE phase = 'leased' AND webhook_id = w.id AND lease_until > ?
)`

function toLane(row: LaneRow): Lane {
  const webhook = toWebhook(row)
  return { webhook, free: Math.max(0, webhook.maxInFlight - row.live) }
}

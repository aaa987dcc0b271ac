import type { StoredWebhook } from '../storage.ts'
import type { SqliteValue } from './sqlite-value.ts'

/** A row of `posthorn_webhooks`. */
export interface WebhookRow {
  readonly id: string
  readonly tenant_id: string
  readonly name: string
  readonly url: string
  readonly events: string
  readonly is_active: number
  readonly disabled_reason: string | null
  readonly description: string | null
  readonly metadata: string
  readonly sealed: string
  readonly max_in_flight: number
  readonly gate_until: number | null
  readonly created_by: string | null
  readonly version: number
  readonly created_at: number
  readonly updated_at: number
}

/** Makes a webhook of a row. */
export function toWebhook(row: WebhookRow): StoredWebhook {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    url: row.url,
    // Written by webhookValues, so it is what was put in.
    events: JSON.parse(row.events) as string[],
    isActive: row.is_active === 1,
    disabledReason: row.disabled_reason,
    description: row.description,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    sealed: row.sealed,
    maxInFlight: row.max_in_flight,
    gateUntil: toDate(row.gate_until),
    createdBy: row.created_by,
    version: row.version,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}

/** The columns that {@link webhookValues} fills, in its order. */
export const webhookColumns = [
  'name',
  'url',
  'events',
  'is_active',
  'disabled_reason',
  'description',
  'metadata',
  'sealed',
  'max_in_flight',
  'gate_until',
  'created_by',
  'version',
  'created_at',
  'updated_at',
]

/** The values of all columns but the ids. */
export function webhookValues(webhook: StoredWebhook): SqliteValue[] {
  return [
    webhook.name,
    webhook.url,
    JSON.stringify(webhook.events),
    webhook.isActive ? 1 : 0,
    webhook.disabledReason,
    webhook.description,
    JSON.stringify(webhook.metadata),
    webhook.sealed,
    webhook.maxInFlight,
    webhook.gateUntil?.getTime() ?? null,
    webhook.createdBy,
    webhook.version,
    webhook.createdAt.getTime(),
    webhook.updatedAt.getTime(),
  ]
}

/** Makes a date of a column of milliseconds. */
export function toDate(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms)
}

import type { StoredWebhook, WebhookPatch } from '../storage.ts'
import { ms } from './sql.ts'
import { assertStorable, assertStorableRecord } from './storable-text.ts'

/** A webhook as {@link webhookColumns} reads it: dates are milliseconds. */
export type WebhookRow = Omit<StoredWebhook, 'gateUntil' | 'createdAt' | 'updatedAt'> & {
  readonly gateUntil: number | null
  readonly createdAt: number
  readonly updatedAt: number
}

/** The columns of a webhook `w`. */
export const webhookColumns = `w.id, w.tenant_id AS "tenantId", w.name, w.url, w.events, w.is_active AS "isActive",
  w.disabled_reason AS "disabledReason", w.description, w.metadata, w.sealed, w.max_in_flight AS "maxInFlight",
  ${ms('w.gate_until')} AS "gateUntil", w.created_by AS "createdBy", w.version, ${ms('w.created_at')} AS "createdAt",
  ${ms('w.updated_at')} AS "updatedAt"`

/** Makes a webhook of a row. */
export function toWebhook(row: WebhookRow): StoredWebhook {
  return {
    ...row,
    events: [...row.events],
    metadata: { ...row.metadata },
    gateUntil: toDate(row.gateUntil),
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
  }
}

/** Makes a date of a column of milliseconds. */
export function toDate(milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds)
}

/** What may be written of a webhook: its column, and its type in SQL. Dates travel as milliseconds. */
export const webhookFields = {
  name: ['name', 'text'],
  url: ['url', 'text'],
  events: ['events', 'jsonb'],
  isActive: ['is_active', 'boolean'],
  disabledReason: ['disabled_reason', 'text'],
  description: ['description', 'text'],
  metadata: ['metadata', 'jsonb'],
  sealed: ['sealed', 'text'],
  maxInFlight: ['max_in_flight', 'integer'],
  createdAt: ['created_at', 'float8'],
  updatedAt: ['updated_at', 'float8'],
  gateUntil: ['gate_until', 'float8'],
  createdBy: ['created_by', 'text'],
  version: ['version', 'integer'],
} as const

/** One of {@link webhookFields}. */
export type WebhookField = keyof typeof webhookFields

/** The fields as one JSON text. Refuses texts that cannot be stored. */
export function toInput(fields: WebhookPatch | StoredWebhook): string {
  for (const [name, value] of Object.entries(fields)) if (typeof value === 'string') assertStorable(name, value)
  for (const [index, pattern] of (fields.events ?? []).entries()) assertStorable(`events[${index}]`, pattern)
  assertStorableRecord('metadata', fields.metadata)
  const entries = Object.entries(fields).map(([name, value]: [string, unknown]) => {
    return [name, value instanceof Date ? value.getTime() : value]
  })
  return JSON.stringify(Object.fromEntries(entries))
}

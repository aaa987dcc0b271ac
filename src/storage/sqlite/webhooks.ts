import { PosthornError } from '../../domain/error.ts'
import type { Page } from '../../domain/delivery.ts'
import { decodeCursor, pageOf } from '../cursor.ts'
import type { MatchWebhooks, PageQuery, WebhookMatch } from '../query.ts'
import type { StoredWebhook, WebhookPatch } from '../storage.ts'
import { Conditions } from './conditions.ts'
import type { Connection } from './connection.ts'
import { toWebhook, webhookColumns, webhookValues, type WebhookRow } from './webhook-row.ts'

export function insertWebhook(connection: Connection, webhook: StoredWebhook): void {
  const columns = ['id', 'tenant_id', ...webhookColumns]
  const written = connection.run(
    `INSERT INTO posthorn_webhooks (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
     ON CONFLICT (id) DO NOTHING`,
    webhook.id,
    webhook.tenantId,
    ...webhookValues(webhook),
  )
  if (written === 0) {
    throw new PosthornError('CONFLICT', `A webhook with id ${webhook.id} exists already. Create it with a new id.`)
  }
  subscribe(connection, webhook)
}

export function findWebhook(connection: Connection, id: string): StoredWebhook | null {
  const row = connection.first<WebhookRow>('SELECT * FROM posthorn_webhooks WHERE id = ?', id)
  return row === undefined ? null : toWebhook(row)
}

export function getWebhook(connection: Connection, id: string, tenantId: string): StoredWebhook | null {
  const webhook = findWebhook(connection, id)
  return webhook?.tenantId === tenantId ? webhook : null
}

export function updateWebhook(
  connection: Connection,
  id: string,
  tenantId: string,
  patch: WebhookPatch,
  ifVersion: number | undefined,
): StoredWebhook | null {
  const stored = getWebhook(connection, id, tenantId)
  if (stored === null) return null
  if (ifVersion !== undefined && stored.version !== ifVersion) {
    throw new PosthornError(
      'CONFLICT',
      `Webhook ${id} is at version ${stored.version}, not ${ifVersion}: somebody changed it meanwhile. Read it again, then update.`,
    )
  }
  const { gateUntil, createdBy, createdAt, version } = stored
  // What a patch may not change stands last, for callers whose types did not stop them.
  const changed = { ...stored, ...given(patch), id, tenantId, gateUntil, createdBy, createdAt, version: version + 1 }
  connection.run(
    `UPDATE posthorn_webhooks SET ${webhookColumns.map((column) => `${column} = ?`).join(', ')} WHERE id = ?`,
    ...webhookValues(changed),
    id,
  )
  if (patch.events !== undefined) {
    unsubscribe(connection, stored)
    subscribe(connection, changed)
  }
  return findWebhook(connection, id)
}

export function deleteWebhook(connection: Connection, id: string, tenantId: string): boolean {
  const stored = getWebhook(connection, id, tenantId)
  if (stored === null) return false
  unsubscribe(connection, stored)
  return connection.run('DELETE FROM posthorn_webhooks WHERE id = ?', id) > 0
}

export function listWebhooks(
  connection: Connection,
  query: PageQuery & { readonly tenantId: string; readonly isActive?: boolean },
): Page<StoredWebhook> {
  const where = new Conditions()
  where.add('tenant_id = ?', query.tenantId)
  if (query.isActive !== undefined) where.add('is_active = ?', query.isActive ? 1 : 0)
  return pageOfWebhooks(connection, query, where)
}

export function listAllWebhooks(connection: Connection, query: PageQuery): Page<StoredWebhook> {
  const where = new Conditions()
  where.add('true')
  return pageOfWebhooks(connection, query, where)
}

export function countWebhooks(connection: Connection, tenantId: string): number {
  const sql = 'SELECT count(*) AS count FROM posthorn_webhooks WHERE tenant_id = ?'
  return connection.first<{ count: number }>(sql, tenantId)?.count ?? 0
}

export function matchWebhooks(connection: Connection, { tenantId, patterns }: MatchWebhooks): WebhookMatch[] {
  return connection
    .all<{ id: string; is_active: number }>(
      `SELECT id, is_active FROM posthorn_webhooks WHERE id IN (
         SELECT webhook_id FROM posthorn_subscriptions
         WHERE tenant_id = ? AND pattern IN (SELECT value FROM json_each(?))
       ) ORDER BY id`,
      tenantId,
      JSON.stringify(patterns),
    )
    .map((row) => ({ id: row.id, isActive: row.is_active === 1 }))
}

export function gate(connection: Connection, id: string, until: number | null): void {
  if (until === null) connection.run('UPDATE posthorn_webhooks SET gate_until = NULL WHERE id = ?', id)
  else connection.run('UPDATE posthorn_webhooks SET gate_until = max(ifnull(gate_until, 0), ?) WHERE id = ?', until, id)
}

function pageOfWebhooks(connection: Connection, query: PageQuery, where: Conditions): Page<StoredWebhook> {
  const isAscending = query.order === 'asc'
  where.startAfter('id', decodeCursor(query.cursor), isAscending)
  const rows = connection.all<WebhookRow>(
    `SELECT * FROM posthorn_webhooks WHERE ${where.sql} ORDER BY id ${isAscending ? 'ASC' : 'DESC'} LIMIT ?`,
    ...where.values,
    query.limit + 1,
  )
  return pageOf(rows.map(toWebhook), query.limit, (webhook) => webhook.id)
}

function given(patch: WebhookPatch): WebhookPatch {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
}

function subscribe(connection: Connection, webhook: StoredWebhook): void {
  for (const pattern of new Set(webhook.events)) {
    connection.run(
      'INSERT INTO posthorn_subscriptions (tenant_id, pattern, webhook_id) VALUES (?, ?, ?)',
      webhook.tenantId,
      pattern,
      webhook.id,
    )
  }
}

function unsubscribe(connection: Connection, webhook: StoredWebhook): void {
  for (const pattern of new Set(webhook.events)) {
    connection.run(
      'DELETE FROM posthorn_subscriptions WHERE tenant_id = ? AND pattern = ? AND webhook_id = ?',
      webhook.tenantId,
      pattern,
      webhook.id,
    )
  }
}

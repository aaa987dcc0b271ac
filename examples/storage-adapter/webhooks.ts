import { PosthornError, type StoredWebhook, type WebhookMatch, type WebhookPatch } from 'posthorn'
import type { Document } from './document.ts'

export function webhookOf({ webhooks }: Document, id: string, tenantId: string): StoredWebhook | null {
  const webhook = webhooks.get(id)
  return webhook?.tenantId === tenantId ? webhook : null
}

export function insertWebhook({ webhooks }: Document, webhook: StoredWebhook): void {
  if (webhooks.has(webhook.id)) throw new PosthornError('CONFLICT', `Webhook ${webhook.id} exists already.`)
  webhooks.set(webhook.id, webhook)
}

export function updateWebhook(
  document: Document,
  id: string,
  tenantId: string,
  patch: WebhookPatch,
  ifVersion: number | undefined,
): StoredWebhook | null {
  const webhook = webhookOf(document, id, tenantId)
  if (webhook === null) return null
  if (ifVersion !== undefined && ifVersion !== webhook.version) {
    throw new PosthornError(
      'CONFLICT',
      `Webhook ${id} is at version ${webhook.version}, not ${ifVersion}: read it again.`,
    )
  }
  const changed = structuredClone({ ...webhook, ...patch, version: webhook.version + 1 })
  document.webhooks.set(id, changed)
  return changed
}

export function deleteWebhook(document: Document, id: string, tenantId: string): boolean {
  if (webhookOf(document, id, tenantId) === null) return false
  document.turns.delete(id)
  return document.webhooks.delete(id)
}

export function matchWebhooks(
  { webhooks }: Document,
  query: { readonly tenantId: string; readonly patterns: readonly string[] },
): WebhookMatch[] {
  const isMatch = ({ tenantId, events }: StoredWebhook) =>
    tenantId === query.tenantId && events.some((pattern) => query.patterns.includes(pattern))
  return [...webhooks.values()].filter(isMatch).map(({ id, isActive }) => ({ id, isActive }))
}

export function gate({ webhooks }: Document, id: string, gateUntil: Date | null): void {
  const webhook = webhooks.get(id)
  if (webhook === undefined) return
  // A gate that is closed for longer stays so; null opens it.
  const isLonger = gateUntil !== null && webhook.gateUntil !== null && webhook.gateUntil > gateUntil
  if (!isLonger) webhooks.set(id, { ...webhook, gateUntil })
}

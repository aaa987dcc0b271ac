import type { StoredWebhook } from '../storage.ts'
import type { WebhookMatch } from '../query.ts'
import { RowIndex } from './sorted-rows.ts'
import { Subscriptions } from './subscriptions.ts'

interface WebhookRow {
  readonly id: string
  webhook: StoredWebhook
  isRemoved: boolean
}

/** The webhooks, each as one value that is replaced, never changed. */
export class WebhookTable {
  readonly #rows = new Map<string, WebhookRow>()
  readonly #byTenant = new RowIndex<WebhookRow>()
  readonly #subscriptions = new Subscriptions()

  has(id: string): boolean {
    return this.#rows.has(id)
  }

  /** The stored value itself: copy it before it leaves the storage. */
  get(id: string, tenantId: string): StoredWebhook | null {
    const webhook = this.#rows.get(id)?.webhook
    return webhook?.tenantId === tenantId ? webhook : null
  }

  find(id: string): StoredWebhook | null {
    return this.#rows.get(id)?.webhook ?? null
  }

  insert(webhook: StoredWebhook): void {
    const row = { id: webhook.id, webhook, isRemoved: false }
    this.#rows.set(webhook.id, row)
    this.#byTenant.add(webhook.tenantId, row)
    this.#subscriptions.add(webhook)
  }

  replace(webhook: StoredWebhook): void {
    const row = this.#rows.get(webhook.id)
    if (row === undefined) return
    this.#subscriptions.remove(row.webhook)
    this.#subscriptions.add(webhook)
    row.webhook = webhook
  }

  remove(webhook: StoredWebhook): void {
    const row = this.#rows.get(webhook.id)
    if (row === undefined) return
    row.isRemoved = true
    this.#rows.delete(webhook.id)
    this.#byTenant.noteRemoval(webhook.tenantId)
    this.#subscriptions.remove(webhook)
  }

  match(tenantId: string, patterns: readonly string[]): WebhookMatch[] {
    const ids = new Set<string>()
    for (const pattern of patterns) for (const id of this.#subscriptions.idsOf(tenantId, pattern)) ids.add(id)
    const matches: WebhookMatch[] = []
    for (const id of [...ids].toSorted()) {
      const webhook = this.get(id, tenantId)
      if (webhook !== null) matches.push({ id, isActive: webhook.isActive })
    }
    return matches
  }

  count(tenantId: string): number {
    let count = 0
    for (const _ of this.#byTenant.walk(tenantId, null, 'asc')) count++
    return count
  }

  *walkAll(cursor: string | null, order: 'asc' | 'desc'): Generator<StoredWebhook> {
    const ids = [...this.#rows.keys()].toSorted()
    for (const id of order === 'asc' ? ids : ids.toReversed()) {
      const isAfter = cursor === null || (order === 'asc' ? id > cursor : id < cursor)
      const row = isAfter ? this.#rows.get(id) : undefined
      if (row !== undefined) yield row.webhook
    }
  }

  *walk(tenantId: string, cursor: string | null, order: 'asc' | 'desc'): Generator<StoredWebhook> {
    for (const row of this.#byTenant.walk(tenantId, cursor, order)) yield row.webhook
  }
}

export function copyWebhook(webhook: StoredWebhook): StoredWebhook {
  return {
    ...webhook,
    events: [...webhook.events],
    metadata: { ...webhook.metadata },
    gateUntil: webhook.gateUntil === null ? null : new Date(webhook.gateUntil),
    createdAt: new Date(webhook.createdAt),
    updatedAt: new Date(webhook.updatedAt),
  }
}

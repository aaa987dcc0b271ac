import type { StoredWebhook } from '../storage.ts'

/** Which webhooks have which pattern, so that matching reads those alone. */
export class Subscriptions {
  readonly #ids = new Map<string, Set<string>>()

  idsOf(tenantId: string, pattern: string): ReadonlySet<string> {
    return this.#ids.get(keyOf(tenantId, pattern)) ?? none
  }

  add(webhook: StoredWebhook): void {
    for (const pattern of webhook.events) {
      const key = keyOf(webhook.tenantId, pattern)
      const ids = this.#ids.get(key)
      if (ids === undefined) this.#ids.set(key, new Set([webhook.id]))
      else ids.add(webhook.id)
    }
  }

  remove(webhook: StoredWebhook): void {
    for (const pattern of webhook.events) {
      const key = keyOf(webhook.tenantId, pattern)
      const ids = this.#ids.get(key)
      ids?.delete(webhook.id)
      if (ids?.size === 0) this.#ids.delete(key)
    }
  }
}

const none: ReadonlySet<string> = new Set()

// With its length, because either part may contain any character.
function keyOf(tenantId: string, pattern: string): string {
  return `${tenantId.length} ${tenantId} ${pattern}`
}

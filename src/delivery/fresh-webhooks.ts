import type { Storage, StoredWebhook } from '../storage/storage.ts'

interface Reading {
  readonly startedAt: number
  readonly webhook: Promise<StoredWebhook | null>
}

// Deliveries of one webhook that wait together share one look.
const sharedForMs = 250

/** Reads webhooks again for deliveries that have waited since they were claimed. */
export class FreshWebhooks {
  readonly #storage: Storage
  readonly #readings = new Map<string, Reading>()

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** The webhook as it is, or was a quarter of a second ago at most; null where it is gone. */
  read({ id, tenantId }: StoredWebhook): Promise<StoredWebhook | null> {
    const now = performance.now()
    const known = this.#readings.get(id)
    if (known !== undefined && now - known.startedAt < sharedForMs) return known.webhook
    const reading = { startedAt: now, webhook: this.#storage.getWebhook(id, tenantId) }
    this.#forgetOld(now)
    this.#readings.set(id, reading)
    // A failure is not shared with those who come after it.
    reading.webhook.catch(() => this.#readings.delete(id))
    return reading.webhook
  }

  // In the order of reading: the oldest come first.
  #forgetOld(now: number): void {
    for (const [id, { startedAt }] of this.#readings) {
      if (now - startedAt < sharedForMs) return
      this.#readings.delete(id)
    }
  }
}

import { liveSecrets, unseal, type StoredKey } from '../registry/sealing.ts'
import type { Scheme } from '../signing/scheme.ts'
import { Signer } from '../signing/signer.ts'
import type { StoredWebhook } from '../storage/storage.ts'
import type { WebhookEvent } from '../domain/delivery.ts'

interface Cached {
  readonly sealed: string
  /** The next instant at which a key expires, in milliseconds since the epoch. */
  readonly validUntilMs: number
  readonly signers: readonly Signer[]
}

// Enough for every webhook that is busy at a time; each entry is a few hundred bytes.
const maxCached = 10_000

/** Signs events for webhooks with all of a dispatcher's schemes, and keeps what it unsealed and imported. */
export class Signatures {
  readonly #schemes: readonly Scheme[]
  readonly #cache = new Map<string, Cached>()

  constructor(schemes: readonly Scheme[]) {
    this.#schemes = schemes
  }

  /** The signature headers of one attempt. Throws where the webhook's secrets cannot be read. */
  async headers(
    event: WebhookEvent,
    body: string,
    webhook: StoredWebhook,
    nowMs: number,
  ): Promise<Record<string, string>> {
    const message = { id: event.id, type: event.type, timestamp: new Date(nowMs), body }
    const signers = this.#signersOf(webhook, nowMs)
    if (signers.length === 1 && signers[0] !== undefined) return await signers[0].sign(message)
    return Object.assign({}, ...(await Promise.all(signers.map((signer) => signer.sign(message)))))
  }

  #signersOf(webhook: StoredWebhook, nowMs: number): readonly Signer[] {
    const cached = this.#cache.get(webhook.id)
    if (cached !== undefined && cached.sealed === webhook.sealed && nowMs < cached.validUntilMs) return cached.signers
    const secrets = unseal(webhook.sealed)
    const secret = liveSecrets(secrets, nowMs)
    const signers = this.#schemes.map((scheme) => new Signer({ secret, scheme }))
    this.#cache.delete(webhook.id)
    if (this.#cache.size >= maxCached) this.#cache.delete(this.#cache.keys().next().value ?? '')
    this.#cache.set(webhook.id, { sealed: webhook.sealed, validUntilMs: nextExpiry(secrets.keys, nowMs), signers })
    return signers
  }
}

function nextExpiry(keys: readonly StoredKey[], nowMs: number): number {
  return Math.min(...keys.map((key) => (key.expiresAt !== null && key.expiresAt > nowMs ? key.expiresAt : Infinity)))
}

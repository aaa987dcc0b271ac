import { BoundedCache } from '../domain/bounded-cache.ts'
import type { WebhookEvent } from '../domain/delivery.ts'
import { problemOfHeaderName } from '../registry/custom-headers.ts'
import { liveSecrets, type StoredKey, type WebhookSecrets } from '../registry/sealing.ts'
import type { Vault } from '../registry/vault.ts'
import type { Scheme } from '../signing/scheme.ts'
import { MessageSigner, type SignInput } from '../signing/signer.ts'
import type { StoredWebhook } from '../storage/storage.ts'
import { type Echoes, echoesOf } from './request-headers.ts'

/** What makes the headers of one attempt. */
export interface AttemptHeaders {
  /** The signatures, of every scheme: an object of their own, for others to be added. */
  readonly signed: Record<string, string>
  /** The webhook's own, by lower-case name. */
  readonly custom: Readonly<Record<string, string>>
  /** What the request says that no record of its answer may. */
  readonly echoes: Echoes
}

interface Cached {
  readonly sealed: string
  /** The next instant at which a key expires, in milliseconds since the epoch. */
  readonly validUntilMs: number
  readonly signers: readonly MessageSigner[]
  readonly custom: Readonly<Record<string, string>>
  readonly echoes: Echoes
}

// Enough for every webhook that is busy at a time; each entry is a few hundred bytes.
const maxCached = 20_000

/** Signs events for webhooks with all of a dispatcher's schemes, and keeps what it opened and imported. */
export class Signatures {
  readonly #schemes: readonly Scheme[]
  readonly #vault: Vault
  readonly #cache = new BoundedCache<Cached>(maxCached)
  /** By webhook and sealed text: a busy webhook asks a KMS once, not once for each delivery. */
  readonly #opening = new Map<string, Promise<WebhookSecrets>>()

  constructor(schemes: readonly Scheme[], vault: Vault) {
    this.#schemes = schemes
    this.#vault = vault
  }

  /** The headers of one attempt, at once where the keys are at hand. Throws or rejects where the webhook's secrets cannot be opened or read. */
  headers(
    event: WebhookEvent,
    body: string,
    webhook: StoredWebhook,
    nowMs: number,
  ): AttemptHeaders | Promise<AttemptHeaders> {
    const message = { id: event.id, type: event.type, timestamp: new Date(nowMs), body }
    const cached = this.#cached(webhook, nowMs)
    return cached === null
      ? this.#prepare(webhook, nowMs).then((prepared) => sign(message, prepared))
      : sign(message, cached)
  }

  #cached(webhook: StoredWebhook, nowMs: number): Cached | null {
    const cached = this.#cache.get(webhook.id)
    return cached !== undefined && cached.sealed === webhook.sealed && nowMs < cached.validUntilMs ? cached : null
  }

  async #prepare(webhook: StoredWebhook, nowMs: number): Promise<Cached> {
    const secrets = await this.#open(webhook)
    const secret = liveSecrets(secrets, nowMs)
    const custom = sendableHeaders(secrets)
    const prepared = {
      sealed: webhook.sealed,
      validUntilMs: nextExpiry(secrets.keys, nowMs),
      signers: this.#schemes.map((scheme) => new MessageSigner({ secret, scheme })),
      custom,
      echoes: echoesOf([...Object.values(custom), ...(this.#schemes.some(sendsSecret) ? secret : [])]),
    }
    this.#cache.set(webhook.id, prepared)
    return prepared
  }

  async #open(webhook: StoredWebhook): Promise<WebhookSecrets> {
    const name = `${webhook.id} ${webhook.sealed}`
    const opening = this.#opening.get(name) ?? this.#vault.open(webhook)
    this.#opening.set(name, opening)
    try {
      return await opening
    } finally {
      this.#opening.delete(name)
    }
  }
}

// Such a scheme signs nothing: its header is the secret itself.
function sendsSecret({ signature }: Scheme): boolean {
  return signature.prefixes.token !== undefined
}

function sign(message: SignInput, { signers, custom, echoes }: Cached): AttemptHeaders | Promise<AttemptHeaders> {
  const [only] = signers
  if (only !== undefined && signers.length === 1) {
    const signed = only.sign(message)
    return signed instanceof Promise
      ? signed.then((made) => ({ signed: made, custom, echoes }))
      : { signed, custom, echoes }
  }
  // Each by itself: what one throws at once leaves no other alone with what it rejects with.
  const all = Promise.all(signers.map(async (signer) => await signer.sign(message)))
  return all.then((made) => ({ signed: Object.assign({}, ...made), custom, echoes }))
}

// Asked again, as the URL is: a name may have been refused only since it was registered.
function sendableHeaders({ headers }: WebhookSecrets): Record<string, string> {
  const sendable = Object.entries(headers).filter(([name]) => problemOfHeaderName(name) === null)
  return Object.fromEntries(sendable.map(([name, value]) => [name, value.reveal()]))
}

function nextExpiry(keys: readonly StoredKey[], nowMs: number): number {
  return Math.min(...keys.map((key) => (key.expiresAt !== null && key.expiresAt > nowMs ? key.expiresAt : Infinity)))
}

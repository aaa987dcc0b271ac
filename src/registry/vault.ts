import { PosthornError } from '../domain/error.ts'
import type { StoredWebhook } from '../storage/storage.ts'
import type { Encryption, SealContext } from './encryption.ts'
import { boxToText, damaged, readSealed, secretsOf, secretsToText, type WebhookSecrets } from './sealing.ts'

/** Whose secrets they are. */
export type SecretsOwner = Pick<StoredWebhook, 'id' | 'tenantId'>

// A KMS answers in tens of milliseconds. Whoever waits holds a slot of the dispatcher.
const timeLimitMs = 10_000

/** Seals and opens the secrets of webhooks with the encryption of a registry. Rows in clear stay readable, whatever that is. */
export class Vault {
  readonly #encryption: Encryption | 'none'

  constructor(encryption: Encryption | 'none') {
    this.#encryption = encryption
  }

  /** Makes the text that storage keeps. Throws `ENCRYPTION_UNAVAILABLE`. */
  async seal(secrets: WebhookSecrets, owner: SecretsOwner): Promise<string> {
    const encryption = this.#encryption
    const text = secretsToText(secrets)
    if (encryption === 'none') return text
    const box = await askEncryption(() => encryption.seal(text, contextOf(owner)))
    return boxToText(box, Object.keys(secrets.headers))
  }

  /** Opens what a webhook keeps. Throws `SECRET_UNREADABLE`, `ENCRYPTION_KEY_UNKNOWN` or `ENCRYPTION_UNAVAILABLE`. */
  async open({ id, tenantId, sealed }: SecretsOwner & Pick<StoredWebhook, 'sealed'>): Promise<WebhookSecrets> {
    const encryption = this.#encryption
    const read = readSealed(sealed)
    if (read === null) throw damaged()
    if ('secrets' in read) return read.secrets
    if (encryption === 'none') throw noKeyring(id)
    return secretsOf(await askEncryption(() => encryption.open(read.box, contextOf({ id, tenantId }))))
  }

  /** Says whether the text is sealed with the newest key already. */
  isCurrent(sealed: string): boolean {
    const read = readSealed(sealed)
    if (read === null) throw damaged()
    if ('secrets' in read) return this.#encryption === 'none'
    return this.#encryption !== 'none' && this.#encryption.isCurrent(read.box)
  }
}

/** Says whether secrets could not be opened for a reason that may pass: then nothing is wrong with the row. */
export function mayOpenLater(error: unknown): boolean {
  if (!(error instanceof PosthornError)) return false
  return error.code === 'ENCRYPTION_UNAVAILABLE' || error.code === 'ENCRYPTION_KEY_UNKNOWN'
}

function contextOf({ id, tenantId }: SecretsOwner): SealContext {
  return { tenantId, webhookId: id, field: 'secrets' }
}

/** Asks a KMS, and waits for 10 s. Throws `SECRET_UNREADABLE`, `ENCRYPTION_KEY_UNKNOWN` or `ENCRYPTION_UNAVAILABLE`. */
export async function askEncryption(work: () => string | Promise<string>): Promise<string> {
  let text: unknown
  try {
    const answer = work()
    text = typeof answer === 'string' ? answer : await inTime(answer)
  } catch (error) {
    if (error instanceof PosthornError && (error.code === 'SECRET_UNREADABLE' || mayOpenLater(error))) throw error
    throw unavailable('The encryption failed: is its KMS reachable?', error)
  }
  if (typeof text === 'string') return text
  throw unavailable(`The encryption answered ${typeof text} instead of text.`)
}

async function inTime(answer: Promise<string>): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = unavailable(`The encryption did not answer within ${timeLimitMs} ms: is its KMS reachable?`)
    timer = setTimeout(() => reject(error), timeLimitMs)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

function unavailable(message: string, cause?: unknown): PosthornError {
  return new PosthornError('ENCRYPTION_UNAVAILABLE', message, { cause })
}

function noKeyring(webhookId: string): PosthornError {
  const message = `The secrets of webhook ${webhookId} are sealed, and the registry has no keyring: pass it as encryption.`
  return new PosthornError('ENCRYPTION_KEY_UNKNOWN', message)
}

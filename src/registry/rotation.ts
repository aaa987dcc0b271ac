import { PosthornError } from '../domain/error.ts'
import { SecretText } from '../domain/secret-text.ts'
import { invalid } from './scope.ts'
import type { WebhookSecrets } from './sealing.ts'

/** How a secret is rotated. */
export interface RotateOptions {
  /** The new secret, `whsec_` and the base64 of 24 to 64 bytes; generated unless given. */
  readonly secret?: string
  /**
   * How long the secrets before it sign along, in milliseconds from 0 to 30 days; 24 hours unless given. No older secret outlives
   * it: 0 revokes them all at once.
   */
  readonly overlapMs?: number
}

/** The most old secrets that may sign along with the newest. */
export const maxOldSecrets = 5

const hourMs = 3_600_000
const defaultOverlapMs = 24 * hourMs
const maxOverlapMs = 30 * 24 * hourMs

/** Puts a new secret in front and gives the ones before it their end. */
export function rotate(
  secrets: WebhookSecrets,
  secret: string,
  overlapMs = defaultOverlapMs,
  nowMs: number,
): WebhookSecrets {
  if (!Number.isInteger(overlapMs) || overlapMs < 0 || overlapMs > maxOverlapMs) {
    throw invalid('overlapMs', `must be an integer from 0 to ${maxOverlapMs} (30 days)`)
  }
  if (secrets.keys.some((key) => key.secret.reveal() === secret)) {
    throw new PosthornError('CONFLICT', 'The new secret is one that the webhook has already: use a fresh one.')
  }
  const end = nowMs + overlapMs
  const old = secrets.keys
    .map((key) => ({ secret: key.secret, expiresAt: Math.min(key.expiresAt ?? end, end) }))
    .filter((key) => key.expiresAt > nowMs)
  if (old.length > maxOldSecrets) {
    const message = `The webhook has ${maxOldSecrets} old secrets that still sign: wait for one to expire, or shorten overlapMs (0 revokes all).`
    throw new PosthornError('CONFLICT', message)
  }
  return { ...secrets, keys: [{ secret: new SecretText(secret), expiresAt: null }, ...old] }
}

/** The secret that is shown to the owner. */
export function newestSecret(secrets: WebhookSecrets): string {
  const newest = secrets.keys[0]
  if (newest === undefined) throw new TypeError('A webhook always has a secret.')
  return newest.secret.reveal()
}

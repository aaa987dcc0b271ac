import type { KeySource } from '../signing/key.ts'
import type { Scheme } from '../signing/scheme.ts'
import type { VerifiedWebhook } from '../signing/verified-webhook.ts'
import type { VerifyInput } from '../signing/verify-input.ts'

/** What a receiver asks of a verifier: a {@link Verifier}, or anything that proves a request the same way. */
export interface WebhookVerifier {
  /** What a receiver has to know of the scheme; where it is left out, there are no challenges, and only a result says what was covered. */
  readonly scheme?: Pick<Scheme, 'name' | 'covers' | 'challenge' | 'handshake'> & Partial<Pick<Scheme, 'eventType'>>
  /** The largest body that it accepts, in bytes; 1,048,576 where it does not say. */
  readonly maxBodyBytes?: number
  /** Proves a request, or rejects with a {@link PosthornError} whose code says why not. */
  verify(input: VerifyInput): Promise<VerifiedWebhook>
  /** Gives the keys, for a {@link Scheme.handshake} that wants a signature back. */
  readonly keySource?: KeySource
}

/** The largest body accepted where a verifier does not say, in bytes. */
export const defaultMaxBodyBytes = 1_048_576

/** Whether a signature over these parts says who wrote the event, or at least the fields of it that its scheme names. */
export function coversContent(covers: readonly string[]): boolean {
  return covers.includes('body') || covers.includes('fields')
}

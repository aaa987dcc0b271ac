import type { HeadersInput } from '../signing/header-reader.ts'
import type { VerifiedWebhook } from '../signing/verified-webhook.ts'
import type { VerifyInput } from '../signing/verify-input.ts'

/** What a receiver asks of a verifier: a {@link Verifier}, or anything that proves a request the same way. */
export interface WebhookVerifier {
  /** How the signature is laid out, as far as a receiver has to know. */
  readonly scheme?: VerifierScheme
  /** The largest body that it accepts, in bytes; 1,048,576 where it does not say. */
  readonly maxBodyBytes?: number
  /** Proves a request, or rejects with a {@link PosthornError} whose code says why not. */
  verify(input: VerifyInput): Promise<VerifiedWebhook>
  /** Answers a verified request that is no event, such as a ping; null for an event. */
  handshake?(verified: VerifiedWebhook): Promise<HandshakeAnswer | null>
}

/** What a receiver has to know of a scheme. */
export interface VerifierScheme {
  /** Its name. */
  readonly name: string
  /** What the signature covers. */
  readonly covers?: readonly string[]
  /** Answers a request that nobody signed and that is no event, such as the provider's question whether this URL is yours. */
  readonly challenge?: (request: ChallengeRequest) => HandshakeAnswer | null | Promise<HandshakeAnswer | null>
}

/** A request that may be a challenge. */
export interface ChallengeRequest {
  /** The method in upper case. */
  readonly method: string
  /** The URL. */
  readonly url: string
  /** The headers. */
  readonly headers: HeadersInput
  /** The raw body; empty for GET. */
  readonly body: string | Uint8Array | ArrayBuffer
}

/** What to answer to a provider's handshake. */
export interface HandshakeAnswer {
  /** The HTTP status. */
  readonly status: number
  /** The headers, names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The body; null for none. */
  readonly body: string | null
}

/** The largest body accepted where a verifier does not say, in bytes. */
export const defaultMaxBodyBytes = 1_048_576

/** Whether a signature over these parts says who wrote the event, or at least the fields of it that its scheme names. */
export function coversContent(covers: readonly string[]): boolean {
  return covers.includes('body') || covers.includes('fields')
}

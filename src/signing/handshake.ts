import { bodyToBytes } from './body-reader.ts'
import { memberAt } from './member.ts'
import type { KeySource } from './key.ts'
import type { ChallengeRequest, HandshakeAnswer, Scheme } from './scheme.ts'
import { parseJson, type VerifiedWebhook } from './verified-webhook.ts'

export { memberAt }

/** As much of a {@link Verifier} as answering takes. */
export interface HandshakeVerifier {
  /** The scheme, of which only this is asked. */
  readonly scheme?: Pick<Scheme, 'handshake'>
  /** Gives the keys, for answers that want a signature. */
  readonly keySource?: KeySource
}

/**
 * Gives the answer to a verified request that is no event, such as a ping or a challenge that wants a signature back;
 * null for an event. Send it instead of handling the request; a receiver does so by itself.
 */
export async function answerHandshake(
  { scheme, keySource }: HandshakeVerifier,
  verified: VerifiedWebhook,
): Promise<HandshakeAnswer | null> {
  const sign = async (text: string) => {
    const keys = (await keySource?.({ texts: new Map(), isRetry: false })) ?? []
    const key = keys.find(({ keyIndex }) => keyIndex === verified.keyIndex)
    return (await key?.sign?.([text])) ?? new Uint8Array(0)
  }
  return (await scheme?.handshake?.(verified, sign)) ?? null
}

/** An answer without a body. */
export function emptyAnswer(status: number): HandshakeAnswer {
  return { status, headers: {}, body: null }
}

/** An answer in plain text, which no browser takes for anything else. */
export function textAnswer(text: string): HandshakeAnswer {
  return { status: 200, headers: { 'content-type': 'text/plain', 'x-content-type-options': 'nosniff' }, body: text }
}

/** An answer in JSON. */
export function jsonAnswer(value: unknown): HandshakeAnswer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

/** Reads a member of a verified payload under a dotted path; the payload may be no JSON at all. */
export function payloadMember(verified: { readonly payload: unknown }, path: string): unknown {
  try {
    return memberAt(verified.payload, path)
  } catch {
    return undefined // No JSON, so no handshake.
  }
}

/** Gives the query of a GET request; null for other methods. */
export function queryOf({ method, url }: ChallengeRequest): URLSearchParams | null {
  const start = url.indexOf('?')
  return method === 'GET' ? new URLSearchParams(start < 0 ? '' : url.slice(start)) : null
}

// A challenge is short; what is longer is an event.
const maxChallengeBytes = 4096

/** Parses the body of a request that nobody signed; undefined where it is no short JSON. */
export function challengeBody({ body }: ChallengeRequest): unknown {
  try {
    return parseJson(bodyToBytes(body, maxChallengeBytes))
  } catch {
    return undefined
  }
}

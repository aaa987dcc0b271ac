import { bodyToBytes } from './body-reader.ts'
import { memberOf } from './member.ts'
import type { ChallengeRequest, HandshakeAnswer } from './scheme.ts'
import { parseJson } from './verified-webhook.ts'

export { memberOf }

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

/** Reads a member of a verified payload, which may be no JSON at all. */
export function payloadMember(verified: { readonly payload: unknown }, name: string): unknown {
  try {
    return memberOf(verified.payload, name)
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

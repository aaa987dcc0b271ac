import type { PosthornErrorCode } from '../domain/error.ts'
import type { FailureContext } from './outcome.ts'
import type { HandshakeAnswer } from '../signing/scheme.ts'

/** The status for what may go wrong before a handler runs. */
const statuses: Readonly<Partial<Record<PosthornErrorCode, number>>> = {
  PAYLOAD_INVALID: 400,
  BODY_UNREADABLE: 400,
  EVENT_IN_FLIGHT: 409,
  BODY_TOO_LARGE: 413,
  PAYLOAD_SCHEMA: 422,
  RAW_BODY_REQUIRED: 500,
  BODY_NOT_COVERED: 500,
  VALIDATION_FAILED: 500,
  INVALID_EVENT: 500,
  KEYS_UNAVAILABLE: 503,
  STORAGE_UNAVAILABLE: 503,
  STORAGE_FAILED: 503,
  STORAGE_SCHEMA: 503,
}

const texts: Readonly<Record<number, string>> = {
  400: 'bad request',
  401: 'unauthorized',
  409: 'already in progress',
  413: 'payload too large',
  422: 'unprocessable event',
  500: 'internal error',
  503: 'temporarily unavailable',
}

/**
 * The status that an error is answered with. What is not listed is unproven, and 401, when it was thrown while verifying: Discord sends
 * wrong signatures to see that. Later it is a fault of this side.
 */
export function statusOf(code: PosthornErrorCode, during: FailureContext['during']): number {
  return statuses[code] ?? (during === 'verify' ? 401 : 500)
}

/** The answer to what was accepted: 200, because some providers (Linear, Zoom) take no other 2xx, without a body. */
export function okResponse(): Response {
  return new Response(null, { status: 200 })
}

/** The answer to what was not: the same bytes for every reason with the same status. */
export function errorResponse(status: number, retryAfterSeconds?: number): Response {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds)
  return new Response(JSON.stringify({ error: texts[status] ?? 'error' }), { status, headers })
}

/** The answer to a handshake. */
export function handshakeResponse({ status, headers, body }: HandshakeAnswer): Response {
  return new Response(body, { status, headers })
}

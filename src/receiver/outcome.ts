import type { PosthornError, PosthornErrorCode } from '../domain/error.ts'
import type { VerifiedWebhook } from '../signing/verified-webhook.ts'

/**
 * What became of one request, or of one handler after its request was answered.
 *
 * - `processed`: the handler ran to its end.
 * - `accepted`: the event is stored and answered; `processed` or `failed` follows.
 * - `unhandled`: no handler for the type; `onUnknown` ran to its end.
 * - `duplicate`: the event was worked on before; nothing ran.
 * - `in-flight`: the event is being worked on at this moment; nothing ran.
 * - `handshake`: no event, but a question of the provider's, which was answered.
 * - `invalid`: the data did not fit, and `invalidData` is `acknowledge`.
 * - `rejected`: the request was turned away; `code` says why.
 * - `failed`: the handler threw, or something on this side did.
 */
export type ReceiveResult =
  'processed' | 'accepted' | 'unhandled' | 'duplicate' | 'in-flight' | 'handshake' | 'invalid' | 'rejected' | 'failed'

/**
 * Something worth knowing beside the result.
 *
 * - `ID_REUSED`: an event came with an id that was seen before with another body. It is a duplicate all the same; the sender has a fault,
 *   or somebody who knows the secret is trying something.
 * - `NO_EVENT_ID`: the request has no id, so a repeat cannot be known.
 * - `LEASE_LOST`: the handler took longer than `leaseMs`, and another was given the event meanwhile: it may have been worked on twice.
 * - `NOT_RECORDED`: the handler ran to its end, but the store could not be told: the event may be worked on again.
 * - `STORE_BYPASSED`: the store failed, and `whenStoreFails` is `process`: a repeat cannot be known. `onError` was told why.
 */
export type ReceiveFlag = 'ID_REUSED' | 'NO_EVENT_ID' | 'LEASE_LOST' | 'NOT_RECORDED' | 'STORE_BYPASSED'

/** What was proven about a request, but for what it says. */
export type Proof = Pick<VerifiedWebhook, 'scheme' | 'timestamp' | 'keyId' | 'keyIndex' | 'covers' | 'freshness'>

/** What a receiver reports of each request. It holds no secret and no body. */
export interface ReceiveOutcome {
  /** What became of it. */
  readonly result: ReceiveResult
  /** The HTTP status of the answer; null for a handler that ran after it. */
  readonly status: number | null
  /** Why it was rejected or failed; null otherwise, and for an error that is none of Posthorn's. */
  readonly code: PosthornErrorCode | null
  /** The name of the receiver's endpoint. */
  readonly endpoint: string
  /** The event's type; null where it is not known. */
  readonly type: string | null
  /** The event's id; null where it is not known. */
  readonly eventId: string | null
  /** What was proven about the request, without its body; null where nothing was. `keyIndex` tells when a rotation can end. */
  readonly proof: Proof | null
  /** What else is worth knowing. */
  readonly flags: readonly ReceiveFlag[]
  /** From the request's arrival, or the handler's start, to this report, in milliseconds. */
  readonly durationMs: number
}

/** A request that was turned away through no fault of this side. */
export interface Rejection {
  /** Why, with its code; the sender is told nothing of it. */
  readonly error: PosthornError
  /** The HTTP status of the answer. */
  readonly status: number
  /** The event's type; null where it is not known. */
  readonly type: string | null
  /** The event's id; null where it is not known. */
  readonly eventId: string | null
}

/** Where something failed on this side. */
export interface FailureContext {
  /** What was going on. */
  readonly during: 'verify' | 'parse' | 'validate' | 'reserve' | 'handler' | 'complete' | 'release' | 'recover'
  /** The event's type; null where it is not known. */
  readonly type: string | null
  /** The event's id; null where it is not known. */
  readonly eventId: string | null
}

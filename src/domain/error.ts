/**
 * Every reason for which Posthorn throws, as a stable machine code. Match on these, never on messages; new codes may be added in a minor release.
 *
 * - `VALIDATION_FAILED`: input did not fit; every problem is in {@link PosthornError.issues}, but for a call of `Verifier.verify` that gives no request.
 * - `NOT_FOUND`: no such row for this tenant (a foreign id answers exactly the same).
 * - `CONFLICT`: another writer changed the row first, or the id is taken.
 * - `INVALID_EVENT`: the event's type or data is not what the catalogue allows.
 * - `IDEMPOTENCY_CONFLICT`: the idempotency key was used with another body.
 * - `QUEUE_FULL`: the tenant has too many pending deliveries; dispatch again later.
 * - `WEBHOOK_DISABLED`: the operation needs an active webhook.
 * - `PAYLOAD_GONE`: the event's body was removed by retention and cannot be sent again.
 * - `CURSOR_INVALID`: a page cursor that this query did not give out.
 * - `DISPATCHER_STOPPED`: the dispatcher was stopped and takes no further work.
 * - `TRANSACTIONS_UNSUPPORTED`: `tx` was given, but the storage cannot join a transaction, or what was given is in none.
 * - `STORAGE_UNAVAILABLE`: the storage's driver is missing, the storage is closed, or its database does not answer.
 * - `STORAGE_FAILED`: the database refused an operation (locked for too long, disk full); `cause` is the driver's error. Nothing was written,
 *   unless the connection broke in the middle. Within `tx` on Postgres, the transaction has failed too: roll it back and begin again.
 * - `STORAGE_SCHEMA`: the tables are missing, or of another version than this one of Posthorn's.
 * - `SECRET_INVALID`: a signing secret has the wrong form.
 * - `ENCRYPTION_KEY_INVALID`: a key of a keyring has the wrong form.
 * - `ENCRYPTION_KEY_UNKNOWN`: a stored secret was sealed with a key that this process does not have.
 * - `ENCRYPTION_UNAVAILABLE`: what seals and opens secrets (a KMS) cannot be reached, or took too long; `cause` is its error.
 * - `SECRET_UNREADABLE`: a stored secret was changed, moved or damaged, and can never be opened.
 * - `HEADER_MISSING`, `HEADER_DUPLICATE`, `HEADER_INVALID`: a signature header is absent, sent twice, or malformed.
 * - `TIMESTAMP_INVALID`, `TIMESTAMP_UNIT`, `TIMESTAMP_TOO_OLD`, `TIMESTAMP_TOO_NEW`: the signed time cannot be accepted.
 * - `KEY_EXPIRED`: the key that signed is past its `notAfter`.
 * - `KEYS_UNAVAILABLE`: no key could be had that this runtime can use; answer 503, so that the sender tries again.
 * - `SIGNATURE_MISMATCH`: no candidate signature fits any key.
 * - `RAW_BODY_REQUIRED`: the body was parsed before verification; pass the bytes as received.
 * - `BODY_TOO_LARGE`: the body is over the limit.
 * - `BODY_UNREADABLE`: the request's body ended early or its stream failed.
 * - `PAYLOAD_INVALID`: the signature is right, the body is not valid JSON.
 * - `PAYLOAD_SCHEMA`: a received event's data does not fit the schema of its type; type and path of every problem are in the issues.
 * - `BODY_NOT_COVERED`: the signature is right, but the scheme does not sign the body.
 * - `EVENT_IN_FLIGHT`: the same event is being handled at this moment.
 * - `LEASE_LOST`: a handler ran for longer than its lease, and the event was given to another.
 */
export type PosthornErrorCode =
  | 'VALIDATION_FAILED'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'INVALID_EVENT'
  | 'IDEMPOTENCY_CONFLICT'
  | 'QUEUE_FULL'
  | 'WEBHOOK_DISABLED'
  | 'PAYLOAD_GONE'
  | 'CURSOR_INVALID'
  | 'DISPATCHER_STOPPED'
  | 'TRANSACTIONS_UNSUPPORTED'
  | 'STORAGE_UNAVAILABLE'
  | 'STORAGE_FAILED'
  | 'STORAGE_SCHEMA'
  | 'SECRET_INVALID'
  | 'ENCRYPTION_KEY_INVALID'
  | 'ENCRYPTION_KEY_UNKNOWN'
  | 'ENCRYPTION_UNAVAILABLE'
  | 'SECRET_UNREADABLE'
  | 'HEADER_MISSING'
  | 'HEADER_DUPLICATE'
  | 'HEADER_INVALID'
  | 'TIMESTAMP_INVALID'
  | 'TIMESTAMP_UNIT'
  | 'TIMESTAMP_TOO_OLD'
  | 'TIMESTAMP_TOO_NEW'
  | 'KEY_EXPIRED'
  | 'KEYS_UNAVAILABLE'
  | 'SIGNATURE_MISMATCH'
  | 'RAW_BODY_REQUIRED'
  | 'BODY_TOO_LARGE'
  | 'BODY_UNREADABLE'
  | 'PAYLOAD_INVALID'
  | 'PAYLOAD_SCHEMA'
  | 'BODY_NOT_COVERED'
  | 'EVENT_IN_FLIGHT'
  | 'LEASE_LOST'

/** One problem in some input: where it is and what is wrong with it. */
export interface Issue {
  /** Where: `name`, `events[1]`, `metadata.team`; empty for the input as a whole. */
  readonly path: string
  /** What is wrong, and what to do. */
  readonly message: string
}

/** What a {@link PosthornError} carries beside its code and message. */
export interface PosthornErrorOptions {
  /** The error underneath, kept as `cause`. */
  readonly cause?: unknown
  /** Every problem found in the input. */
  readonly issues?: readonly Issue[]
}

/** The one error class of Posthorn. It never carries a secret, a body, or a URL with its query. */
export class PosthornError extends Error {
  /** Always `PosthornError`, also after minification. */
  override readonly name = 'PosthornError'
  /** The stable code to match on. */
  declare readonly code: PosthornErrorCode
  /** Every problem found in the input; empty unless the code is `VALIDATION_FAILED`, `INVALID_EVENT` or `PAYLOAD_SCHEMA`. */
  declare readonly issues: readonly Issue[]

  /** Creates the error. */
  constructor(code: PosthornErrorCode, message: string, options?: PosthornErrorOptions) {
    super(message, options)
    this.code = code
    this.issues = options?.issues ?? []
  }

  /** Says whether something is an error of Posthorn, also of another copy of it in the same process: from import and require, or two versions. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // as: a member of whatever it is, if it has any.
    return (value as Partial<PosthornError> | null | undefined)?.name === 'PosthornError'
  }
}

/** One thing that happened. Immutable; its id is the `webhook-id` header of every attempt. */
export interface WebhookEvent {
  /** UUIDv7. */
  readonly id: string
  /** The tenant whose webhooks it was dispatched to. */
  readonly tenantId: string
  /** Dotted event type: `execution.completed`. */
  readonly type: string
  /** The exact text that is signed and sent on every attempt; null once retention has removed it. */
  readonly body: string | null
  /** The body's media type, sent as `content-type`. */
  readonly contentType: string
  /** The caller's key that makes a second dispatch a duplicate, or null. */
  readonly idempotencyKey: string | null
  /** When it was dispatched. */
  readonly createdAt: Date
}

/**
 * Where a delivery stands. `pending` is due, waiting for a retry, or under way; the others are final:
 * `succeeded`, `failed` (retries used up, or the receiver is gone), `cancelled` (webhook deleted or disabled meanwhile),
 * `skipped` (decided at dispatch).
 */
export type DeliveryState = 'pending' | 'succeeded' | 'failed' | 'cancelled' | 'skipped'

/** One event for one webhook; carries the state. */
export interface Delivery {
  /** UUIDv7. */
  readonly id: string
  /** The event that is delivered. */
  readonly eventId: string
  /** The webhook that it is delivered to; it may have been deleted since. */
  readonly webhookId: string
  /** The tenant who owns both. */
  readonly tenantId: string
  /** The event's type. */
  readonly type: string
  /** Where it stands. */
  readonly state: DeliveryState
  /** Why it ended, or was skipped: `exhausted`, `gone`, `disabled` …; null while pending and after success. */
  readonly reason: string | null
  /** How many attempts were made so far. */
  readonly attemptCount: number
  /** When the next attempt is due; null when final or under way. */
  readonly dueAt: Date | null
  /** Whether a worker holds it right now. */
  readonly isLeased: boolean
  /** HTTP status of the last attempt; null before the first and where none came back. */
  readonly lastStatus: number | null
  /** When it was written. */
  readonly createdAt: Date
  /** When it became final; null while pending. */
  readonly finishedAt: Date | null
}

/** What started an attempt: the pipeline itself, or somebody who asked for a resend. */
export type AttemptTrigger = 'auto' | 'manual'

/**
 * Why no response came back, as a stable code. `blocked`: the address guard refused the URL, or every address that its name has; which rule
 * it was, the `delivery.blocked` lifecycle event tells.
 */
export type AttemptErrorCode =
  | 'timeout'
  | 'connect_timeout'
  | 'dns'
  | 'refused'
  | 'reset'
  | 'tls'
  | 'protocol'
  | 'network'
  | 'blocked'
  | 'aborted'
  | 'invalid_url'
  | 'invalid_secret'

/** One HTTP request of a delivery and what it met. Append-only. */
export interface Attempt {
  /** The delivery it belongs to. */
  readonly deliveryId: string
  /** 1 for the first attempt of the delivery, then counted on. */
  readonly number: number
  /** What started it. */
  readonly trigger: AttemptTrigger
  /** When the request was started. */
  readonly startedAt: Date
  /** From the start to the end of the response, or to the error, in milliseconds. */
  readonly durationMs: number
  /** HTTP status, or null where no response came back. */
  readonly status: number | null
  /** Why no response came back, or null where one did. */
  readonly error: AttemptErrorCode | null
  /** Response headers, names in lower case; null where no response came back. */
  readonly responseHeaders: Readonly<Record<string, string>> | null
  /** The first 16 KiB of the response body as text; null where no response came back. */
  readonly responseBody: string | null
}

/** One page of a listing. */
export interface Page<T> {
  /** The rows, in the order asked for. Where a filter fits few of many, a page may hold fewer than asked for, or none, before the last. */
  readonly data: T[]
  /** Pass it as `cursor` for the next page; null on the last, and on no other. */
  readonly nextCursor: string | null
}

import type { Attempt } from './delivery.ts'

/** Names a delivery in a lifecycle event. */
export interface DeliveryRef {
  /** The delivery. */
  readonly deliveryId: string
  /** The event it delivers. */
  readonly eventId: string
  /** The event's type. */
  readonly type: string
  /** The webhook it goes to. */
  readonly webhookId: string
  /** The tenant who owns it. */
  readonly tenantId: string
}

/** An attempt was made and recorded. */
export interface DeliveryAttempted extends DeliveryRef {
  /** The attempt. */
  readonly attempt: Attempt
  /** When the next one follows, in milliseconds; null where none does. */
  readonly nextAttemptInMs: number | null
}

/** The receiver answered 2xx. */
export interface DeliverySucceeded extends DeliveryRef {
  /** The attempt that succeeded. */
  readonly attempt: Attempt
}

/** The address guard refused a request. For the operator: its reason says what names resolve to, so it is not for the webhook's owner. */
export interface DeliveryBlocked extends DeliveryRef {
  /** Which rule it was: `parse`, `chars`, `scheme`, `userinfo`, `host`, `ip`, `port`. */
  readonly rule: string
  /** What was found: `metrics.example.com → 10.0.0.7 is in 10.0.0.0/8: private (RFC 1918)`. */
  readonly detail: string
}

/** A delivery ended without success. */
export interface DeliveryFailed extends DeliveryRef {
  /** The last attempt; null where nothing could be sent. */
  readonly attempt: Attempt | null
  /** Why no other follows: `exhausted`, `gone`, `rejected`, `invalid_url`, `invalid_secret`, `poisoned`. */
  readonly reason: string
}

/** A dispatcher disabled a webhook. */
export interface WebhookDisabled {
  /** The webhook. */
  readonly webhookId: string
  /** The tenant who owns it. */
  readonly tenantId: string
  /** Why: `gone`, its receiver answered 410. */
  readonly reason: string
}

/** Something inside failed and will be tried again: the storage, or a listener. */
export interface WorkerError {
  /** What was thrown. */
  readonly error: unknown
  /** Which operation it was. */
  readonly during: string
}

/** What a dispatcher tells its listeners, by name. Nothing here carries a secret or the event's body. */
export interface LifecycleEvents {
  /** An attempt was made and recorded. */
  'delivery.attempted': DeliveryAttempted
  /** The receiver answered 2xx. */
  'delivery.succeeded': DeliverySucceeded
  /** The address guard refused a request, which is recorded as an attempt that met `blocked`, or `invalid_url`. */
  'delivery.blocked': DeliveryBlocked
  /** The delivery ended without success. */
  'delivery.failed': DeliveryFailed
  /** The webhook was deleted or disabled while the delivery was under way. */
  'delivery.cancelled': DeliveryRef
  /** The worker held the delivery for too long and another may have it: nothing was written. */
  'delivery.lost': DeliveryRef
  /** A webhook was disabled, because its receiver answered 410. */
  'webhook.disabled': WebhookDisabled
  /** Something inside failed and will be tried again. */
  'worker.error': WorkerError
}

/** Hears one kind of lifecycle event. What it throws or rejects with is reported as `worker.error` and stops nothing. */
export type LifecycleListener<Name extends keyof LifecycleEvents> = (event: LifecycleEvents[Name]) => unknown

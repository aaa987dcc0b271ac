import type { EventCatalogue, EventSchemas } from '../domain/catalogue.ts'
import type { Envelope } from './envelope.ts'
import type { IdempotencyOptions } from './idempotency-options.ts'
import type { IdempotencyStore } from '../storage/idempotency-store.ts'
import type { FailureContext, ReceiveOutcome, Rejection } from './outcome.ts'
import type { EventHandler, EventHandlers } from './received-event.ts'
import type { VerifiedWebhook } from '../signing/verified-webhook.ts'
import type { WebhookVerifier } from './webhook-verifier.ts'

/** Options of {@link createReceiver}. */
export interface ReceiverOptions<Schemas extends EventSchemas> {
  /** Proves who sent a request: a {@link Verifier}. Its `maxBodyBytes` bounds what is read. */
  readonly verifier: WebhookVerifier
  /** The event types with the schemas of their data, the same as on the sending side; without it, data is passed on as it was sent. */
  readonly events?: EventCatalogue<Schemas>
  /** The handlers by event type. */
  readonly on: EventHandlers<Schemas>
  /**
   * Gets every event that `on` has no handler for, its data as it was sent; the answer is 200. Unless given, such events are answered 200 and
   * left alone: the sender may know types that this app does not.
   */
  readonly onUnknown?: EventHandler
  /**
   * What remembers the events that were worked on, so that each is worked on once: a store, or a store with settings. `'none'`, written
   * out, works on every request, for handlers that may run twice.
   */
  readonly idempotency: IdempotencyStore | IdempotencyOptions | 'none'
  /**
   * The name of this receiver among those that share the store: 1 to 128 characters of `A-Z a-z 0-9 . _ ~ : / @ -`; `default` unless given.
   * Needed with `after-store`, and where two receivers of one scheme have a store in common.
   */
  readonly endpoint?: string
  /**
   * When the sender is answered. `after-handler`, unless given: with what came of the work. `after-store`: as soon as the event is stored,
   * before the work; what fails or dies then is taken up again by {@link Receiver.recover}, for the sender will not send it again.
   */
  readonly acknowledge?: 'after-handler' | 'after-store'
  /** Keeps the process alive until a promise is settled, where that is not a server's usual way; a request's own is used first. */
  readonly waitUntil?: (promise: Promise<unknown>) => void
  /**
   * The answer to an event whose data does not fit its schema: `reject`, unless given, is 422, so that the sender tries again and nothing is lost
   * while a schema is repaired; `acknowledge` is 200, and the event is gone. `onReject` hears of it in both cases.
   */
  readonly invalidData?: 'reject' | 'acknowledge'
  /** Whether events are accepted whose scheme does not sign the body (Mailgun, GitLab's token, PayPal); `refuse` unless given. */
  readonly uncoveredBody?: 'refuse' | 'accept'
  /**
   * Finds type and data in a verified request; {@link standardEnvelope} unless given, but that a type which the scheme finds in the body
   * (Intercom: `topic`) goes before the body's own `type`.
   */
  readonly readEnvelope?: (webhook: VerifiedWebhook) => Envelope | Promise<Envelope>
  /** Told of every request that was turned away through no fault of this side, and why. */
  readonly onReject?: (rejection: Rejection) => unknown
  /** Told of everything that failed on this side: handlers, the store, a raw body that a parser took. `console.error` unless given. */
  readonly onError?: (error: unknown, context: FailureContext) => unknown
  /** Told what became of every request, for metrics and traces. */
  readonly onOutcome?: (outcome: ReceiveOutcome) => unknown
}

/** The options, checked and filled in. */
export interface ReceiverSettings {
  readonly verifier: WebhookVerifier
  readonly events: EventCatalogue | undefined
  readonly handlers: ReadonlyMap<string, EventHandler>
  readonly onUnknown: EventHandler
  readonly idempotency: Required<IdempotencyOptions> | null
  readonly endpoint: string
  readonly isAnsweredFirst: boolean
  readonly waitUntil: ((promise: Promise<unknown>) => void) | undefined
  readonly acknowledgesInvalid: boolean
  readonly acceptsUncovered: boolean
  readonly readEnvelope: (webhook: VerifiedWebhook) => Envelope | Promise<Envelope>
  readonly onReject: (rejection: Rejection) => unknown
  readonly onError: (error: unknown, context: FailureContext) => unknown
  readonly onOutcome: (outcome: ReceiveOutcome) => unknown
}

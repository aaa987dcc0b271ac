import type { EventSchemas } from '../domain/catalogue.ts'
import type { SchemaOutput } from '../domain/standard-schema.ts'
import type { VerifiedWebhook } from '../signing/verified-webhook.ts'

/** A verified event, as handlers get it. */
export interface ReceivedEvent<Type extends string | null = string | null, Data = unknown> {
  /** The sender's id of the event, the same on every attempt; null where the scheme has none. */
  readonly id: string | null
  /** The event's type; null where the request names none. */
  readonly type: Type
  /** The event's data: what the catalogue's schema made of it, or as it was sent where there is none. */
  readonly data: Data
  /** How often the event was taken up, this time included; always 1 without idempotency, or after a handler that threw. */
  readonly attempt: number
  /** What was proven about the request, with its raw body. */
  readonly webhook: VerifiedWebhook
}

/** What a handler gets beside the event. */
export interface HandlerContext {
  /** Aborts when the lease on the event runs out: from then on another may be given it. Never aborts without idempotency. */
  readonly signal: AbortSignal
}

/**
 * Does the work of one event. It runs after everything was checked, once for each event; when it throws, the sender is answered 500 and
 * the next attempt gets in. A `Response` that it returns is the answer (only where the answer waits for it), and may be the same one each
 * time; of one that `fetch` gave, only the status is. One that is not 2xx counts as a failure.
 */
export type EventHandler<Type extends string | null = string | null, Data = unknown> = (
  event: ReceivedEvent<Type, Data>,
  context: HandlerContext,
) => unknown

/** Handlers by event type: those of the catalogue with their data, or any type with unknown data where there is no catalogue. */
export type EventHandlers<Schemas extends EventSchemas> = string extends keyof Schemas
  ? Readonly<Record<string, EventHandler<string>>>
  : { readonly [Type in keyof Schemas & string]?: EventHandler<Type, SchemaOutput<Schemas[Type]>> }

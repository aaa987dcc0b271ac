import { PosthornError } from '../domain/error.ts'
import type { VerifiedWebhook } from '../signing/verified-webhook.ts'
import type { Envelope } from './envelope.ts'
import type { EventHandler } from './received-event.ts'
import type { ReceiverSettings } from './receiver-options.ts'

/** A proven event with its handler, its data checked. */
export interface RoutedEvent extends Envelope {
  readonly webhook: VerifiedWebhook
  readonly handler: EventHandler
  /** Whether the handler is that of the event's type. */
  readonly isHandled: boolean
}

/** Finds type and data of a proven event. */
export async function parseEvent(webhook: VerifiedWebhook, { readEnvelope }: ReceiverSettings): Promise<Envelope> {
  const envelope = await readEnvelope(webhook)
  const isEnvelope = typeof envelope === 'object' && envelope !== null && 'data' in envelope
  if (isEnvelope && (envelope.type === null || typeof envelope.type === 'string')) return envelope
  throw new TypeError('createReceiver: readEnvelope must return { type, data }, with a text or null for the type.')
}

/**
 * Finds the handler of an event and checks the data that it gets. The data of a type without a handler is not checked: nobody depends on
 * its form, and an error would make the sender repeat what nobody wants.
 */
export async function validateEvent(
  webhook: VerifiedWebhook,
  { type, data }: Envelope,
  { handlers, events, onUnknown }: ReceiverSettings,
): Promise<RoutedEvent> {
  const handler = type === null ? undefined : handlers.get(type)
  if (type === null || handler === undefined) return { webhook, type, data, handler: onUnknown, isHandled: false }
  if (events === undefined) return { webhook, type, data, handler, isHandled: true }
  try {
    return { webhook, type, data: await events.validate(type, data), handler, isHandled: true }
  } catch (error) {
    // A cause means that the schema itself threw: a fault of this side.
    if (!(error instanceof PosthornError) || error.code !== 'INVALID_EVENT' || error.cause !== undefined) throw error
    throw new PosthornError('PAYLOAD_SCHEMA', error.message, { issues: error.issues })
  }
}

import type { VerifiedWebhook } from '../signing/verified-webhook.ts'
import type { WebhookVerifier } from './webhook-verifier.ts'

/** Where an event's type and data are in a verified request. */
export interface Envelope {
  /** The event's type; null where the request names none. */
  readonly type: string | null
  /** The event's data. */
  readonly data: unknown
}

/**
 * Reads `{ type, data }`, as Standard Webhooks and Posthorn write it. What has no such form is taken as a whole: under the type that the
 * scheme found, or that of its own `type`. The signed body goes before a header, which anybody may have changed; of a body of which
 * only `fields` are signed (AWS SNS, Adyen), `{ type, data }` may be what somebody added.
 */
export function standardEnvelope({ payload, type, covers }: VerifiedWebhook): Envelope {
  const own = covers.includes('fields') ? null : ownText(payload, 'type')
  if (own !== null && Object.hasOwn(Object(payload), 'data'))
    return { type: own, data: Reflect.get(Object(payload), 'data') }
  return { type: type ?? own, data: payload }
}

/**
 * Chooses how requests of a scheme are read: as {@link standardEnvelope} does, except that a type which the scheme finds in the body goes
 * before a member `type`, which may mean something else there (Intercom: `notification_event` for all).
 */
export function envelopeReader(scheme: WebhookVerifier['scheme']): (webhook: VerifiedWebhook) => Envelope {
  const place = scheme?.eventType ?? null
  if (place === null || place.header !== undefined) return standardEnvelope
  return (webhook) => {
    const { type, data } = standardEnvelope(webhook)
    return { type: webhook.type ?? type, data }
  }
}

function ownText(payload: unknown, name: string): string | null {
  if (typeof payload !== 'object' || payload === null || !Object.hasOwn(payload, name)) return null
  const text: unknown = Reflect.get(payload, name)
  return typeof text === 'string' ? text : null
}

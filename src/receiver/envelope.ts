import type { VerifiedWebhook } from '../signing/verified-webhook.ts'

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

function ownText(payload: unknown, name: string): string | null {
  if (typeof payload !== 'object' || payload === null || !Object.hasOwn(payload, name)) return null
  const text: unknown = Reflect.get(payload, name)
  return typeof text === 'string' ? text : null
}

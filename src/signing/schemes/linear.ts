import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { milliseconds } from '../time-units.ts'

/**
 * Linear: `Linear-Signature` is the hex HMAC-SHA256 of the body, keyed by the webhook's signing secret as text. The signed time is
 * `webhookTimestamp` in the body, in milliseconds, within 60 s; the header `Linear-Timestamp` is not signed and not read.
 * Not confirmed: `Linear-Delivery` as the event id, which is not signed.
 */
export const linear: Scheme = {
  name: 'linear',
  covers: ['timestamp', 'body'],
  readSecret: textSecret,
  signature: { header: 'Linear-Signature', encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
  eventId: { header: 'Linear-Delivery' },
  eventType: { body: 'type' },
  timestamp: { place: { body: 'webhookTimestamp' }, unit: milliseconds, maxAgeMs: 60_000 },
  signedContent: ({ body }) => [body],
}

import { base64 } from '../base64.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { isoTime } from '../time-units.ts'

/**
 * Zendesk: `X-Zendesk-Webhook-Signature` is the base64 HMAC-SHA256 of timestamp and body without anything between them, keyed by the
 * webhook's signing secret as text. The body may be empty. Not confirmed: that `X-Zendesk-Webhook-Signature-Timestamp` is ISO 8601,
 * and `X-Zendesk-Webhook-Invocation-Id` as the event id, which is not signed.
 */
export const zendesk: Scheme = {
  name: 'zendesk',
  covers: ['timestamp', 'body'],
  readSecret: textSecret,
  signature: {
    header: 'X-Zendesk-Webhook-Signature',
    encoding: base64,
    prefixes: { 'hmac-sha256': '' },
    syntax: 'single',
  },
  eventId: { header: 'X-Zendesk-Webhook-Invocation-Id' },
  eventType: { body: 'type' },
  timestamp: { place: { header: 'X-Zendesk-Webhook-Signature-Timestamp' }, unit: isoTime },
  signedContent: ({ timestamp, body }) => [timestamp, body],
}

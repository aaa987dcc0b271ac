import { fromBase64, spkiKey } from '#crypto'
import { derSignature } from '../der-signature.ts'
import { idOfEach } from '../item-ids.ts'
import type { Scheme } from '../scheme.ts'
import { seconds } from '../timestamp.ts'

/**
 * SendGrid's Event Webhook: `X-Twilio-Email-Event-Webhook-Signature` is the base64 ECDSA signature (P-256, SHA-256) of timestamp and
 * body; the secret is the verification key, base64. The body ends with CRLF, which is signed too. The time is
 * `X-Twilio-Email-Event-Webhook-Timestamp` in seconds; SendGrid names no tolerance, 300 s is ours. A body is a list of events, each
 * with an `sg_event_id` of its own; the event id is made of all of them.
 */
export const sendgrid: Scheme = {
  name: 'sendgrid',
  covers: ['timestamp', 'body'],
  readSecret(secret) {
    const bytes = fromBase64(secret, true)
    if (bytes === null || bytes.length < 64) return 'is not the base64 of a public key: copy the whole verification key'
    return { algorithm: 'ecdsa-p256', bytes, check: spkiKey('ecdsa-p256', bytes) }
  },
  signature: {
    header: 'X-Twilio-Email-Event-Webhook-Signature',
    encoding: derSignature,
    prefixes: { 'ecdsa-p256': '' },
    syntax: 'single',
  },
  eventId: /* @__PURE__ */ idOfEach(null, ['sg_event_id']),
  eventType: null,
  timestamp: { place: { header: 'X-Twilio-Email-Event-Webhook-Timestamp' }, unit: seconds },
  signedContent: ({ timestamp, body }) => [timestamp, body],
}

import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/**
 * Razorpay: `X-Razorpay-Signature` is the hex HMAC-SHA256 of the body, keyed by the webhook's secret as text. No time is signed. Not
 * confirmed: `x-razorpay-event-id` as the event id, which is not signed.
 */
export const razorpay: Scheme = {
  name: 'razorpay',
  covers: ['body'],
  readSecret: textSecret,
  signature: { header: 'X-Razorpay-Signature', encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
  eventId: { header: 'x-razorpay-event-id' },
  eventType: { body: 'event' },
  timestamp: null,
  signedContent: ({ body }) => [body],
}

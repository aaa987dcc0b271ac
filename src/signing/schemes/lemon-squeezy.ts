import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/**
 * Lemon Squeezy: `X-Signature` is the hex HMAC-SHA256 of the body, keyed by the webhook's signing secret as text. No time is signed and
 * there is no event id: use a hash of `rawBody` to know repeats. The type (`X-Event-Name`) is not signed.
 */
export const lemonSqueezy: Scheme = {
  name: 'lemon-squeezy',
  covers: ['body'],
  readSecret: textSecret,
  signature: { header: 'X-Signature', encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
  eventId: null,
  eventType: { header: 'X-Event-Name' },
  timestamp: null,
  signedContent: ({ body }) => [body],
}

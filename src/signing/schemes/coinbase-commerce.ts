import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/**
 * Coinbase Commerce: `X-CC-Webhook-Signature` is the hex HMAC-SHA256 of the body, keyed by the webhook's shared secret as text. No time
 * is signed. For the Developer Platform see {@link coinbase}.
 */
export const coinbaseCommerce: Scheme = {
  name: 'coinbase-commerce',
  covers: ['body'],
  readSecret: textSecret,
  signature: { header: 'X-CC-Webhook-Signature', encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
  eventId: { body: 'event.id' },
  eventType: { body: 'event.type' },
  timestamp: null,
  signedContent: ({ body }) => [body],
}

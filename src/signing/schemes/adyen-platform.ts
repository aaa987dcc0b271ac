import { base64 } from '../base64.ts'
import { hexSecret } from '../hex-secret.ts'
import type { Scheme } from '../scheme.ts'

/**
 * Adyen, webhooks of banking and management: `HmacSignature` is the base64 HMAC-SHA256 of the body, keyed by the hexadecimal HMAC key.
 * No time is signed. For payments see {@link adyen}. Not confirmed: `id` in the body as the event's id.
 */
export const adyenPlatform: Scheme = {
  name: 'adyen-platform',
  covers: ['body'],
  readSecret: hexSecret,
  signature: { header: 'HmacSignature', encoding: base64, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
  eventId: { body: 'id' },
  eventType: { body: 'type' },
  timestamp: null,
  signedContent: ({ body }) => [body],
}

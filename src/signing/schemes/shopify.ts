import { base64 } from '../base64.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/**
 * Shopify: `X-Shopify-Hmac-Sha256` is the base64 HMAC-SHA256 of the body, keyed by the app's client secret as text. The time
 * (`X-Shopify-Triggered-At`) is not signed, nor is the event id `X-Shopify-Webhook-Id`. The newer lower-case
 * `shopify-hmac-sha256` headers of the Events API are not read. Shopify signs its app proxies and cookies with the same secret.
 */
export const shopify: Scheme = {
  name: 'shopify',
  covers: ['body'],
  readSecret: textSecret,
  signature: { header: 'X-Shopify-Hmac-Sha256', encoding: base64, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
  eventId: { header: 'X-Shopify-Webhook-Id' },
  eventType: { header: 'X-Shopify-Topic' },
  timestamp: null,
  signedContent: ({ body }) => [body],
  hasUnsignedTime: true,
}

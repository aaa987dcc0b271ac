import { base64 } from '../base64.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

// Of the Events API, whose set has no webhook id; in the order of the usual set (shopify-app-js, lib/types.ts).
const names = ['hmac-sha256', 'event-id', 'topic']
const usualNames = ['hmac-sha256', 'webhook-id', 'topic']

/**
 * Shopify: `X-Shopify-Hmac-Sha256` is the base64 HMAC-SHA256 of the body, keyed by the app's client secret as text. The time
 * (`X-Shopify-Triggered-At`) is not signed, nor is the event id `X-Shopify-Webhook-Id`. The headers of the Events API have no `X-` and the
 * event id `shopify-event-id`; where they are there, none of the others is read. Shopify signs its app proxies and cookies with the same secret.
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
  freshness: 'unsigned',
  divide(headers) {
    // One set or the other: no member of one must be told by the other. The Events API may send both, other webhooks never send its own.
    if (headers.get('shopify-hmac-sha256') == null) return headers
    const texts = names.flatMap((name, index) => {
      const text = headers.get(`shopify-${name}`)
      return text == null ? [] : ([[`x-shopify-${usualNames[index]}`, text]] as const)
    })
    return new Map(texts)
  },
}

import { base64 } from '../base64.ts'
import { dividedHeaders } from '../divided-headers.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { isoTime } from '../time-units.ts'

/**
 * Box: `box-signature-primary` and `box-signature-secondary` are the base64 HMAC-SHA256 of body and timestamp, in this order, keyed by
 * the app's two signature keys as text: give both as secrets, and rotate one at a time. `box-signature-version` must be 1 and
 * `box-signature-algorithm` HmacSHA256. The time is `box-delivery-timestamp` (RFC 3339), within 600 s. The event id
 * is `id` in the body; `box-delivery-id` changes with every repeat. Not confirmed on a request of Box's: both.
 */
export const box: Scheme = {
  name: 'box',
  covers: ['body', 'timestamp'],
  readSecret: textSecret,
  signature: { header: 'box-signature', encoding: base64, prefixes: { 'hmac-sha256': '' }, syntax: 'list' },
  eventId: { body: 'id' },
  eventType: { body: 'trigger' },
  timestamp: { place: { header: 'box-delivery-timestamp' }, unit: isoTime, maxAgeMs: 600_000 },
  signedContent: ({ body, timestamp }) => [body, timestamp],
  divide(headers) {
    const part = (name: string) => headers.get(`box-signature-${name}`)
    const isKnown = part('version') === '1' && part('algorithm') === 'HmacSHA256'
    const both = [part('primary'), part('secondary')]
    return dividedHeaders(headers, new Map([['box-signature', isKnown ? both.filter(Boolean).join(' ') : '']]))
  },
  writeHeaders: ({ signatures: [primary = '', secondary], timestamp }) => ({
    'box-signature-version': '1',
    'box-signature-algorithm': 'HmacSHA256',
    'box-signature-primary': primary,
    ...(secondary === undefined ? {} : { 'box-signature-secondary': secondary }),
    'box-delivery-timestamp': timestamp,
  }),
}

import { base64 } from '../base64.ts'
import { checkPublicUrl } from '../public-url.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/** Options of {@link square}. */
export interface SquareOptions {
  /** The notification URL exactly as the subscription has it. */
  readonly notificationUrl: string
}

/**
 * Square: `x-square-hmacsha256-signature` is the base64 HMAC-SHA256 of notification URL and body, keyed by the subscription's signature
 * key as text. No time is signed.
 */
export function square({ notificationUrl }: SquareOptions): Scheme {
  checkPublicUrl('square', 'notificationUrl', notificationUrl)
  return {
    name: 'square',
    covers: ['url', 'body'],
    readSecret: textSecret,
    signature: {
      header: 'x-square-hmacsha256-signature',
      encoding: base64,
      prefixes: { 'hmac-sha256': '' },
      syntax: 'single',
    },
    eventId: { body: 'event_id' },
    eventType: { body: 'type' },
    timestamp: null,
    signedContent: ({ body }) => [notificationUrl, body],
  }
}

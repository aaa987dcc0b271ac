import { base64 } from '../base64.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/**
 * Typeform: `Typeform-Signature` is `sha256=` and the **base64** HMAC-SHA256 of the body, keyed by the webhook's secret as text. No
 * time is signed. Not confirmed: `event_id` in the body as the event's id.
 */
export const typeform: Scheme = {
  name: 'typeform',
  covers: ['body'],
  readSecret: textSecret,
  signature: {
    header: 'Typeform-Signature',
    encoding: base64,
    prefixes: { 'hmac-sha256': 'sha256=' },
    syntax: 'single',
  },
  eventId: { body: 'event_id' },
  eventType: { body: 'event_type' },
  timestamp: null,
  signedContent: ({ body }) => [body],
}

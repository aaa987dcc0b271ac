import { parameterScheme } from '../parameters.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { seconds } from '../timestamp.ts'

/**
 * Paddle Billing: `Paddle-Signature` is `ts=…;h1=…`, the hex HMAC-SHA256 of `timestamp:body`, keyed by the notification destination's
 * secret as text; the time is in seconds. Paddle's SDK allows an age of 5 s only, and so does this: raise `maxAgeMs` where your
 * servers are slower. While a secret is rolled there are two `h1`.
 */
export const paddle: Scheme = /* @__PURE__ */ parameterScheme(
  {
    name: 'paddle',
    covers: ['timestamp', 'body'],
    readSecret: textSecret,
    eventId: { body: 'event_id' },
    eventType: { body: 'event_type' },
    timestamp: { unit: seconds, maxAgeMs: 5000 },
    signedContent: ({ timestamp, body }) => [timestamp, ':', body],
  },
  ['Paddle-Signature', ';', 'ts', 'h1'],
)

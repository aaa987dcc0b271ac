import { parameterScheme } from '../parameters.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { seconds } from '../timestamp.ts'

/**
 * Calendly: `Calendly-Webhook-Signature` is `t=…,v1=…`, the hex HMAC-SHA256 of `timestamp.body`, keyed by the subscription's signing key
 * as text; the time is in seconds. There is no event id: use a hash of `rawBody` to know repeats. Not confirmed: the 180 s that
 * are allowed.
 */
export const calendly: Scheme = /* @__PURE__ */ parameterScheme(
  {
    name: 'calendly',
    covers: ['timestamp', 'body'],
    readSecret: textSecret,
    eventId: null,
    eventType: { body: 'event' },
    timestamp: { unit: seconds, maxAgeMs: 180_000 },
    signedContent: ({ timestamp, body }) => [timestamp, '.', body],
  },
  ['Calendly-Webhook-Signature', ',', 't', 'v1'],
)

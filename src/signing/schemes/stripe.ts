import { parameterScheme } from '../parameters.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { seconds } from '../timestamp.ts'

/**
 * Stripe: `Stripe-Signature` is `t=…,v1=…`, the hex HMAC-SHA256 of `timestamp.body`, keyed by the endpoint's secret as text, its `whsec_`
 * included; the time is in seconds, within 300 s. While a secret is rolled there are two `v1`; other versions are ignored.
 */
export const stripe: Scheme = /* @__PURE__ */ parameterScheme(
  {
    name: 'stripe',
    covers: ['timestamp', 'body'],
    readSecret: textSecret,
    eventId: { body: 'id' },
    eventType: { body: 'type' },
    timestamp: { unit: seconds },
    signedContent: ({ timestamp, body }) => [timestamp, '.', body],
  },
  ['Stripe-Signature', ',', 't', 'v1'],
)

import { parameterScheme } from '../parameters.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { milliseconds } from '../time-units.ts'

/**
 * WorkOS: `WorkOS-Signature` is `t=…, v1=…`, the hex HMAC-SHA256 of `timestamp.body`, keyed by the webhook's secret as text; the time
 * is in **milliseconds**, within 180 s.
 */
export const workos: Scheme = /* @__PURE__ */ parameterScheme(
  {
    name: 'workos',
    covers: ['timestamp', 'body'],
    readSecret: textSecret,
    eventId: { body: 'id' },
    eventType: { body: 'event' },
    timestamp: { unit: milliseconds, maxAgeMs: 180_000 },
    signedContent: ({ timestamp, body }) => [timestamp, '.', body],
  },
  ['WorkOS-Signature', ',', 't', 'v1'],
)

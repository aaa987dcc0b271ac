import { base64 } from '../base64.ts'
import type { Scheme } from '../scheme.ts'
import { standardSecret } from '../secret.ts'
import { seconds } from '../timestamp.ts'

/**
 * Standard Webhooks 1.0.0: over `id.timestamp.body`, HMAC-SHA256 (`v1`, keyed by the bytes behind `whsec_`) or ed25519
 * (`v1a`, verified with `whpk_`, made with `whsk_`), in the headers `webhook-id`, `webhook-timestamp` and
 * `webhook-signature`. Every live key signs. The secret's prefix says which of the two it is for.
 */
export const standardWebhooks: Scheme = {
  name: 'standard-webhooks',
  covers: ['id', 'timestamp', 'body'],
  readSecret: standardSecret,
  signature: {
    header: 'webhook-signature',
    encoding: base64,
    prefixes: { 'hmac-sha256': 'v1,', ed25519: 'v1a,' },
    syntax: 'list',
  },
  eventId: { header: 'webhook-id' },
  eventType: null,
  timestamp: { place: { header: 'webhook-timestamp' }, unit: seconds, maxFutureMs: 300_000 },
  signedContent: ({ id, timestamp, body }) => [id, '.', timestamp, '.', body],
}

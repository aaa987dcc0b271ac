import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecretSha1 } from '../text-secret.ts'

/**
 * Vercel: `x-vercel-signature` is the hex HMAC-SHA1 of the body, keyed by the webhook's secret as text. No time is signed.
 */
export const vercel: Scheme = {
  name: 'vercel',
  covers: ['body'],
  readSecret: textSecretSha1,
  signature: { header: 'x-vercel-signature', encoding: hex, prefixes: { 'hmac-sha1': '' }, syntax: 'single' },
  eventId: { body: 'id' },
  eventType: { body: 'type' },
  timestamp: null,
  signedContent: ({ body }) => [body],
}

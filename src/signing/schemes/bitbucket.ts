import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/**
 * Bitbucket: `X-Hub-Signature` is `sha256=` and the hex HMAC-SHA256 of the body, keyed by the webhook's secret as text. No time is
 * signed. Not confirmed: the scheme as a whole, read in no code of Atlassian's, and `X-Request-UUID` as the event id, which is
 * not signed.
 */
export const bitbucket: Scheme = {
  name: 'bitbucket',
  covers: ['body'],
  readSecret: textSecret,
  signature: { header: 'X-Hub-Signature', encoding: hex, prefixes: { 'hmac-sha256': 'sha256=' }, syntax: 'single' },
  eventId: { header: 'X-Request-UUID' },
  eventType: { header: 'X-Event-Key' },
  timestamp: null,
  signedContent: ({ body }) => [body],
}

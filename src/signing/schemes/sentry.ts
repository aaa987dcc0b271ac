import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/**
 * Sentry: `Sentry-Hook-Signature` is the hex HMAC-SHA256 of the body, keyed by the integration's client secret as text. Neither the
 * time (`Sentry-Hook-Timestamp`) nor the event id (`Request-ID`) is signed. The body as a whole must be signed; a signature of a
 * part of it, wrapped in more, is refused.
 */
export const sentry: Scheme = {
  name: 'sentry',
  covers: ['body'],
  readSecret: textSecret,
  signature: { header: 'Sentry-Hook-Signature', encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
  eventId: { header: 'Request-ID' },
  eventType: { header: 'Sentry-Hook-Resource' },
  timestamp: null,
  signedContent: ({ body }) => [body],
  freshness: 'unsigned',
}

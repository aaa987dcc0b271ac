import { emptyAnswer } from '../handshake.ts'
import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/**
 * GitHub: `X-Hub-Signature-256` is `sha256=` and the hex HMAC-SHA256 of the body, keyed by the webhook's secret as text.
 * `X-Hub-Signature` with SHA-1 is ignored, also where the other is missing. No time is signed, so a captured request can be
 * sent again at any time. The event id is `X-GitHub-Delivery`, which is not signed and is reused by a manual redelivery.
 * `ping` is answered as a handshake.
 */
export const github: Scheme = {
  name: 'github',
  covers: ['body'],
  readSecret: textSecret,
  signature: { header: 'X-Hub-Signature-256', encoding: hex, prefixes: { 'hmac-sha256': 'sha256=' }, syntax: 'single' },
  eventId: { header: 'X-GitHub-Delivery' },
  eventType: { header: 'X-GitHub-Event' },
  timestamp: null,
  signedContent: ({ body }) => [body],
  handshake: ({ type }) => (type === 'ping' ? emptyAnswer(204) : null),
}

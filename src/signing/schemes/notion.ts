import { challengeBody, emptyAnswer, memberOf } from '../handshake.ts'
import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/**
 * Notion: `X-Notion-Signature` is `sha256=` and the hex HMAC-SHA256 of the body, keyed by the verification token as text. No time is
 * signed. The first request brings that token, `{ "verification_token": "secret_…" }`, and is signed by nobody: it is answered as
 * a challenge; take the token from your log of it, or from Notion's page, and confirm it there.
 */
export const notion: Scheme = {
  name: 'notion',
  covers: ['body'],
  readSecret: textSecret,
  signature: { header: 'X-Notion-Signature', encoding: hex, prefixes: { 'hmac-sha256': 'sha256=' }, syntax: 'single' },
  eventId: { body: 'id' },
  eventType: { body: 'type' },
  timestamp: null,
  signedContent: ({ body }) => [body],
  challenge: (request) =>
    typeof memberOf(challengeBody(request), 'verification_token') === 'string' ? emptyAnswer(200) : null,
}

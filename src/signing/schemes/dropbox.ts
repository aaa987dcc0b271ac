import { queryOf, textAnswer } from '../handshake.ts'
import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/**
 * Dropbox: `X-Dropbox-Signature` is the hex HMAC-SHA256 of the body, keyed by the app secret as text. No time is signed, and
 * notifications have no id, because several changes become one. Not confirmed: the GET request with `challenge`, answered as
 * a challenge with that text.
 */
export const dropbox: Scheme = {
  name: 'dropbox',
  covers: ['body'],
  readSecret: textSecret,
  signature: { header: 'X-Dropbox-Signature', encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
  eventId: null,
  eventType: null,
  timestamp: null,
  signedContent: ({ body }) => [body],
  challenge(request) {
    const challenge = queryOf(request)?.get('challenge')
    return challenge ? textAnswer(challenge) : null
  },
}

import { emptyAnswer } from '../handshake.ts'
import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecretSha1 } from '../text-secret.ts'

/**
 * Intercom: `X-Hub-Signature` is `sha1=` and the hex HMAC-SHA1 of the body, keyed by the app's client secret as text. No time is
 * signed. A HEAD request, by which the URL is tried when it is saved, is answered as a challenge: mount the receiver for that method
 * too. Not confirmed: that Intercom does so.
 */
export const intercom: Scheme = {
  name: 'intercom',
  covers: ['body'],
  readSecret: textSecretSha1,
  signature: { header: 'X-Hub-Signature', encoding: hex, prefixes: { 'hmac-sha1': 'sha1=' }, syntax: 'single' },
  eventId: { body: 'id' },
  eventType: { body: 'topic' },
  timestamp: null,
  signedContent: ({ body }) => [body],
  challenge: ({ method }) => (method === 'HEAD' ? emptyAnswer(200) : null),
}

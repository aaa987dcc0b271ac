import { base64 } from '../base64.ts'
import { idOfEach } from '../item-ids.ts'
import { emptyAnswer, payloadMember } from '../handshake.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/**
 * LINE: `x-line-signature` is the base64 HMAC-SHA256 of the body, keyed by the channel secret as text. No time is signed. A request
 * holds a list of events; its id is made of the `webhookEventId` of all. Its type is the first one's. A request
 * without events, by which the URL is tried, is answered as a handshake.
 */
export const line: Scheme = {
  name: 'line',
  covers: ['body'],
  readSecret: textSecret,
  signature: { header: 'x-line-signature', encoding: base64, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
  eventId: /* @__PURE__ */ idOfEach('events', ['webhookEventId']),
  eventType: { body: 'events.0.type' },
  timestamp: null,
  signedContent: ({ body }) => [body],
  handshake: (verified) => (payloadMember(verified, 'events.length') === 0 ? emptyAnswer(200) : null),
}

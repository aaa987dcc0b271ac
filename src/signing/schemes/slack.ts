import { payloadMember, textAnswer } from '../handshake.ts'
import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { seconds } from '../timestamp.ts'

/**
 * Slack: `X-Slack-Signature` is `v0=` and the hex HMAC-SHA256 of `v0:timestamp:body`, keyed by the app's signing secret as text;
 * the time is `X-Slack-Request-Timestamp` in seconds, within 300 s. The body may be a form. `url_verification` is answered as
 * a handshake. Not confirmed: `event_id` as the event's id.
 */
export const slack: Scheme = {
  name: 'slack',
  covers: ['timestamp', 'body'],
  readSecret: textSecret,
  signature: { header: 'X-Slack-Signature', encoding: hex, prefixes: { 'hmac-sha256': 'v0=' }, syntax: 'single' },
  eventId: { body: 'event_id' },
  eventType: { body: 'event.type' },
  timestamp: { place: { header: 'X-Slack-Request-Timestamp' }, unit: seconds },
  signedContent: ({ timestamp, body }) => ['v0:', timestamp, ':', body],
  handshake(verified) {
    const challenge = payloadMember(verified, 'challenge')
    const isChallenge = payloadMember(verified, 'type') === 'url_verification' && typeof challenge === 'string'
    return isChallenge ? textAnswer(challenge) : null
  },
}

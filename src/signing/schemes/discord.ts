import { emptyAnswer, jsonAnswer, payloadMember } from '../handshake.ts'
import { hex } from '../hex.ts'
import { hexPublicKey } from '../hex-secret.ts'
import type { Scheme } from '../scheme.ts'
import { seconds } from '../timestamp.ts'

/**
 * Discord: `X-Signature-Ed25519` is the hex ed25519 signature of timestamp and body; the secret is the application's public key, in
 * hex. The time is `X-Signature-Timestamp` in seconds; Discord names no tolerance, 300 s is ours. The PING of interactions (type 1) and
 * of event webhooks (type 0) is answered as a handshake. Answer 401 to whatever does not verify. Not confirmed: that Discord tries
 * that with wrong signatures.
 */
export const discord: Scheme = {
  name: 'discord',
  covers: ['timestamp', 'body'],
  readSecret: hexPublicKey,
  signature: { header: 'X-Signature-Ed25519', encoding: hex, prefixes: { ed25519: '' }, syntax: 'single' },
  eventId: { body: 'id' },
  eventType: { body: 'event.type' },
  timestamp: { place: { header: 'X-Signature-Timestamp' }, unit: seconds },
  signedContent: ({ timestamp, body }) => [timestamp, body],
  handshake(verified) {
    const type = payloadMember(verified, 'type')
    return type === 1 && payloadMember(verified, 'event') === undefined
      ? jsonAnswer({ type: 1 })
      : type === 0
        ? emptyAnswer(204)
        : null
  },
}

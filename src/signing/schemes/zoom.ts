import { toHex } from '#crypto'
import { jsonAnswer, payloadMember } from '../handshake.ts'
import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { seconds } from '../timestamp.ts'

/**
 * Zoom: `x-zm-signature` is `v0=` and the hex HMAC-SHA256 of `v0:timestamp:body`, keyed by the app's secret token as text; the
 * time is `x-zm-request-timestamp` in seconds (300 s is a convention). Zoom gives no event id. `endpoint.url_validation`, at
 * creation and every 72 hours, is answered as a handshake; it must be within 3 s.
 */
export const zoom: Scheme = {
  name: 'zoom',
  covers: ['timestamp', 'body'],
  readSecret: textSecret,
  signature: { header: 'x-zm-signature', encoding: hex, prefixes: { 'hmac-sha256': 'v0=' }, syntax: 'single' },
  eventId: null,
  eventType: { body: 'event' },
  timestamp: { place: { header: 'x-zm-request-timestamp' }, unit: seconds },
  signedContent: ({ timestamp, body }) => ['v0:', timestamp, ':', body],
  async handshake(verified, sign) {
    const plainToken = payloadMember(verified, 'payload.plainToken')
    if (payloadMember(verified, 'event') !== 'endpoint.url_validation' || typeof plainToken !== 'string') return null
    return jsonAnswer({ plainToken, encryptedToken: toHex(await sign(plainToken)) })
  },
}

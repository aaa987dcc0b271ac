import { memberTexts } from '../body-texts.ts'
import { memberOf } from '../handshake.ts'
import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { seconds } from '../timestamp.ts'
import { parseJson } from '../verified-webhook.ts'

/**
 * Mailgun: `signature` in the body holds `timestamp`, `token` and `signature`, the hex HMAC-SHA256 of the first two, keyed by the
 * account's webhook signing key as text. **`event-data` is not signed**: whoever captured one request can send any event within the
 * tolerance, so a receiver has to look the event up at Mailgun. The token is the event id: keep it for as long as the tolerance.
 * The `parent-signature` of subaccounts is not read.
 */
export const mailgun: Scheme = {
  name: 'mailgun',
  covers: ['timestamp', 'token'],
  readSecret: textSecret,
  signature: { header: 'signature.signature', encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
  eventId: { header: 'signature.token' },
  eventType: { body: 'event-data.event' },
  timestamp: { place: { header: 'signature.timestamp' }, unit: seconds },
  signedContent: ({ header }) => [header('signature.timestamp'), header('signature.token')],
  writeHeaders: null,
  divideBody: (body) =>
    memberTexts('signature', memberOf(parseJson(body), 'signature'), ['timestamp', 'token', 'signature']),
}

import { memberTexts } from '../body-texts.ts'
import { memberAt } from '../handshake.ts'
import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { seconds } from '../timestamp.ts'
import { parseJson } from '../verified-webhook.ts'

/**
 * Mailgun: `signature` in the body holds `timestamp`, `token` and `signature`, the hex HMAC-SHA256 of the first two, keyed by the
 * account's webhook signing key as text. **`event-data` is not signed**: whoever captured one request can send any event within the
 * tolerance, so a receiver has to look the event up at Mailgun. The token is the event id: keep it for as long as the tolerance.
 * The events of a subaccount also bear `parent-signature`, made with the key of the account above it; either will do.
 */
export const mailgun: Scheme = {
  name: 'mailgun',
  covers: ['timestamp', 'token'],
  readSecret: textSecret,
  signature: { header: 'signature.signature', encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'list' },
  eventId: { header: 'signature.token' },
  eventType: { body: 'event-data.event' },
  timestamp: { place: { header: 'signature.timestamp' }, unit: seconds },
  signedContent: ({ header }) => [header('signature.timestamp'), header('signature.token')],
  writeHeaders: null,
  isInBody: true,
  divide(_, body) {
    const texts = memberTexts('signature', memberAt(parseJson(body), 'signature'), members)
    const both = ['signature.signature', 'signature.parent-signature'].flatMap((name) => texts.get(name) ?? [])
    return texts.set('signature.signature', both.join(' '))
  },
}

const members = ['timestamp', 'token', 'signature', 'parent-signature']

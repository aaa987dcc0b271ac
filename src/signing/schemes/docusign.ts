import { base64 } from '../base64.ts'
import { joinedMembers } from '../item-ids.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

const members = ['data.envelopeId', 'event', 'data.recipientId', 'generatedDateTime']

/**
 * DocuSign Connect: `X-DocuSign-Signature-1` and on, one for each of the account's keys, are the base64 HMAC-SHA256 of the body, keyed by
 * that key as text; all 100 that an account may have are read. No time is signed. The event id is made of `data.envelopeId`, `event`,
 * `data.recipientId` and `generatedDateTime`, because an envelope may meet one event several times; a body in XML has none. Not
 * confirmed: that a repeat keeps `generatedDateTime`; if it does not, a repeat runs again.
 */
export const docusign: Scheme = {
  name: 'docusign',
  covers: ['body'],
  readSecret: textSecret,
  signature: {
    header: 'X-DocuSign-Signature',
    encoding: base64,
    prefixes: { 'hmac-sha256': '' },
    syntax: 'list',
    // As many keys as an account may have, and so as many headers below.
    maxSignatures: 100,
  },
  eventId: {
    from: 'data.envelopeId, event, data.recipientId, generatedDateTime',
    read: (payload) => joinedMembers(payload, members),
  },
  eventType: { body: 'event' },
  timestamp: null,
  signedContent: ({ body }) => [body],
  divide: (headers) =>
    new Map([
      [
        'x-docusign-signature',
        headerNames()
          .flatMap((name) => headers.get(name) ?? [])
          .join(' '),
      ],
    ]),
  writeHeaders: ({ signatures }) =>
    Object.fromEntries(signatures.map((text, index) => [`X-DocuSign-Signature-${index + 1}`, text])),
}

function headerNames(): string[] {
  return Array.from({ length: 100 }, (_, index) => `x-docusign-signature-${index + 1}`)
}

import { base64 } from '../base64.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/**
 * DocuSign Connect: `X-DocuSign-Signature-1` and on, one for each of the account's keys, are the base64 HMAC-SHA256 of the body, keyed by
 * that key as text. The first 16 are read; an account may have 100. No time is signed and there is no event id: the envelope's id
 * and the event together are one.
 */
export const docusign: Scheme = {
  name: 'docusign',
  covers: ['body'],
  readSecret: textSecret,
  signature: { header: 'X-DocuSign-Signature', encoding: base64, prefixes: { 'hmac-sha256': '' }, syntax: 'list' },
  eventId: null,
  eventType: { body: 'event' },
  timestamp: null,
  signedContent: ({ body }) => [body],
  // A list, not a constant: called when it is used, so that a bundle without DocuSign does not hold it.
  get otherHeaders() {
    return headerNames()
  },
  divideHeaders: (headers) =>
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
  return Array.from({ length: 16 }, (_, index) => `x-docusign-signature-${index + 1}`)
}

import { isEqual, sha256 } from '#crypto'
import { base64 } from '../base64.ts'
import { hex } from '../hex.ts'
import { checkPublicUrl, withQueryOf } from '../public-url.ts'
import type { Scheme, SignedMessage } from '../scheme.ts'
import { twilioUrls } from '../twilio-urls.ts'
import { textSecretSha1 } from '../text-secret.ts'

/** Options of {@link twilio}. */
export interface TwilioOptions {
  /** The URL exactly as Twilio has it, with its port where one is configured; the query is taken from each request. */
  readonly publicUrl: string
}

/**
 * Twilio: `X-Twilio-Signature` is the base64 HMAC-SHA1, keyed by the auth token as text, of the URL and, for a form, each field's name
 * and value, sorted by name. A JSON body is covered by the hash in the query, `bodySHA256`. No time is signed. A form's names and
 * values are joined without anything between them, so `a=bc` and `ab=c` sign alike, and so do two spellings of one escape. The
 * request's `url` must be given. As in Twilio's SDK, the URL is also tried with and without port, and with its query encoded anew.
 * Not confirmed: `I-Twilio-Idempotency-Token` as the event's id.
 */
export function twilio({ publicUrl }: TwilioOptions): Scheme {
  checkPublicUrl('twilio', 'publicUrl', publicUrl)
  return {
    name: 'twilio',
    covers: ['url', 'body'],
    readSecret: textSecretSha1,
    signature: { header: 'X-Twilio-Signature', encoding: base64, prefixes: { 'hmac-sha1': '' }, syntax: 'single' },
    eventId: { header: 'I-Twilio-Idempotency-Token' },
    eventType: null,
    timestamp: null,
    async signedContent(message) {
      const url = withQueryOf(publicUrl, message.url)
      const bodyHash = queryOf(url).get('bodySHA256')
      const form = bodyHash === null ? formContent(message) : (await isHashOf(bodyHash, message)) ? '' : null
      return form === null ? null : { anyOf: twilioUrls(url).map((each) => [each, form]) }
    },
  }
}

function queryOf(url: string): URLSearchParams {
  return new URLSearchParams(url.replace(/^[^?]*/, ''))
}

async function isHashOf(text: string, { body }: SignedMessage): Promise<boolean> {
  return isEqual(hex.decode(text) ?? new Uint8Array(0), await sha256([body]))
}

// Twilio sends some dozens. Nothing is known of a sender yet, and each field of a megabyte of them has to be sorted.
const maxFields = 1_000

/** The fields as they are signed; null where there are more than Twilio sends. */
function formContent({ body }: SignedMessage): string | null {
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body)
  if (text.split('&', maxFields + 1).length > maxFields) return null
  const fields = new Map<string, Set<string>>()
  // As Twilio's SDK has it: a name that comes twice with one value counts once.
  for (const [name, value] of new URLSearchParams(text)) fields.set(name, (fields.get(name) ?? new Set()).add(value))
  const sorted = [...fields].toSorted(([one], [other]) => (one < other ? -1 : 1))
  return sorted.flatMap(([name, values]) => [...values].toSorted().map((value) => name + value)).join('')
}

import { hex } from '../hex.ts'
import { pythonJson } from '../python-json.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/**
 * The IPA scheme: `X-IPA-Signature` is the lowercase hex HMAC-SHA256 of the body, keyed by the secret's whole text as
 * UTF-8 (a `whsec_` prefix included), and `X-IPA-Event` names the event type.
 *
 * The body is the payload as Python's `json.dumps(payload, sort_keys=True)` writes it, so a receiver may hash the raw
 * body or dump the parsed one again. Its limits: the type and the time are not signed, so a captured request can be
 * sent again at any time and under another type. The header holds one signature, made with the newest secret.
 */
export const ipaScheme: Scheme = {
  name: 'ipa',
  covers: ['body'],
  readSecret: textSecret,
  signature: { header: 'X-IPA-Signature', encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
  eventId: null,
  eventType: { header: 'X-IPA-Event' },
  timestamp: null,
  signedContent: ({ body }) => [body],
  serialize: pythonJson,
}

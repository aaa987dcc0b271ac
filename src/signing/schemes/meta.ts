import { isEqual } from '#crypto'
import { queryOf, textAnswer } from '../handshake.ts'
import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/** Options of {@link meta}. */
export interface MetaOptions {
  /** The verify token that you typed into the app's page; without it the subscription's GET request is not answered. */
  readonly verifyToken?: string
}

/**
 * Meta (Facebook, Instagram, Messenger, WhatsApp): `X-Hub-Signature-256` is `sha256=` and the hex HMAC-SHA256 of the body, keyed by the
 * app secret as text. Meta writes characters beyond ASCII as `\\uXXXX`, so a body that was parsed and written again does not verify. No
 * time is signed and there is no stable event id. The GET request with `hub.challenge` is answered as a challenge where its
 * `hub.verify_token` is yours. Not confirmed: that request.
 */
export function meta({ verifyToken }: MetaOptions = {}): Scheme {
  if (verifyToken !== undefined && (typeof verifyToken !== 'string' || verifyToken === '')) {
    throw new TypeError('meta: verifyToken must be text that is not empty.')
  }
  const encoder = new TextEncoder()
  return {
    name: 'meta',
    covers: ['body'],
    readSecret: textSecret,
    signature: {
      header: 'X-Hub-Signature-256',
      encoding: hex,
      prefixes: { 'hmac-sha256': 'sha256=' },
      syntax: 'single',
    },
    eventId: null,
    eventType: { body: 'object' },
    timestamp: null,
    signedContent: ({ body }) => [body],
    challenge(request) {
      const query = queryOf(request)
      const challenge = query?.get('hub.challenge')
      if (verifyToken === undefined || !challenge || query?.get('hub.mode') !== 'subscribe') return null
      const token = encoder.encode(query.get('hub.verify_token') ?? '')
      return isEqual(token, encoder.encode(verifyToken)) ? textAnswer(challenge) : null
    },
  }
}

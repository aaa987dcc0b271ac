import { challengeBody, emptyAnswer, memberAt } from '../handshake.ts'
import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/** Options of {@link notion}. */
export interface NotionOptions {
  /**
   * Gets the verification token that the first request of a subscription brings, to show to whoever has to confirm it at Notion, and to keep
   * as the secret from then on; without it that request is not answered. Anybody can send such a request: take it for a secret only while
   * a subscription of yours is being created, and throw otherwise.
   */
  readonly onVerificationToken?: (token: string) => void | Promise<void>
}

/**
 * Notion: `X-Notion-Signature` is `sha256=` and the hex HMAC-SHA256 of the body, keyed by the verification token as text. No time is
 * signed. The first request brings that token, `{ "verification_token": "secret_…" }`, and is signed by nobody: it is answered as
 * a challenge once `onVerificationToken` has had the token, which a person then pastes into Notion's page.
 */
export function notion({ onVerificationToken }: NotionOptions = {}): Scheme {
  return {
    name: 'notion',
    covers: ['body'],
    readSecret: textSecret,
    signature: {
      header: 'X-Notion-Signature',
      encoding: hex,
      prefixes: { 'hmac-sha256': 'sha256=' },
      syntax: 'single',
    },
    eventId: { body: 'id' },
    eventType: { body: 'type' },
    timestamp: null,
    signedContent: ({ body }) => [body],
    async challenge(request) {
      const token = memberAt(challengeBody(request), 'verification_token')
      if (typeof token !== 'string' || onVerificationToken === undefined) return null
      await onVerificationToken(token)
      return emptyAnswer(200)
    },
  }
}

import { readHeaders, readText } from '../header-reader.ts'
import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/** Options of {@link asana}. */
export interface AsanaOptions {
  /**
   * Keeps the secret that the first request of a webhook brings; without it that request is not answered. Anybody can send such a
   * request: accept it only while a webhook of yours is being created, and throw otherwise. It comes before the call that
   * creates the webhook returns.
   */
  readonly onHookSecret?: (secret: string, url: string) => void | Promise<void>
}

/**
 * Asana: `X-Hook-Signature` is the hex HMAC-SHA256 of the body, keyed by the webhook's `X-Hook-Secret` as text. No time is signed and
 * there is no event id. The first request brings the secret and is answered as a challenge, once `onHookSecret` has kept it.
 */
export function asana({ onHookSecret }: AsanaOptions = {}): Scheme {
  return {
    name: 'asana',
    covers: ['body'],
    readSecret: textSecret,
    signature: { header: 'X-Hook-Signature', encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
    eventId: null,
    eventType: null,
    timestamp: null,
    signedContent: ({ body }) => [body],
    async challenge({ method, url, headers }) {
      const secret = readText(readHeaders(headers), 'x-hook-secret')
      if (method !== 'POST' || secret === '' || onHookSecret === undefined) return null
      await onHookSecret(secret, url)
      return { status: 200, headers: { 'x-hook-secret': secret }, body: null }
    },
  }
}

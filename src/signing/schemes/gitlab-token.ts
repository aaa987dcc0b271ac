import { isEqual } from '#crypto'
import type { Encoding } from '../encoding.ts'
import type { KeyMaterial } from '../key.ts'
import type { Scheme } from '../scheme.ts'

/**
 * GitLab with a secret token: `X-Gitlab-Token` is the secret itself. Nothing is signed: whoever has seen one request can send any
 * other, so `covers` is empty. Prefer a signing token with {@link gitlab}. The id (`Idempotency-Key`) and the type can be changed
 * by anybody too. A token with a comma is refused.
 */
export const gitlabToken: Scheme = {
  name: 'gitlab-token',
  covers: [],
  // A header with a comma may be two that were joined.
  readSecret: (secret) =>
    secret.includes(',') ? 'has a comma: choose a token without one' : tokenKey(new TextEncoder().encode(secret)),
  signature: {
    header: 'X-Gitlab-Token',
    encoding: {
      name: 'text',
      encode: (bytes) => new TextDecoder().decode(bytes),
      decode: (text) => new TextEncoder().encode(text),
    } satisfies Encoding,
    prefixes: { token: '' },
    syntax: 'single',
  },
  eventId: { header: 'Idempotency-Key' },
  eventType: { header: 'X-Gitlab-Event' },
  timestamp: null,
  signedContent: () => [],
}

function tokenKey(bytes: Uint8Array): KeyMaterial {
  return { algorithm: 'token', bytes, check: (_, token) => isEqual(token, bytes) }
}

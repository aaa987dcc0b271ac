import type { KeyMaterial } from './key.ts'

/** Reads the whole text as UTF-8, a prefix such as `whsec_` included. */
export function textSecret(secret: string): KeyMaterial | string {
  return utf8Key('hmac-sha256', secret)
}

/** Reads the whole text as UTF-8, as a key for SHA-1. */
export function textSecretSha1(secret: string): KeyMaterial | string {
  return utf8Key('hmac-sha1', secret)
}

function utf8Key(algorithm: 'hmac-sha256' | 'hmac-sha1', secret: string): KeyMaterial | string {
  // A public key is known to everybody, as is a prefix with next to nothing behind it: it would let everybody sign.
  if (/^(v1,|wh([ps]k_|sec_.{0,7}$))/.test(secret)) return 'is cut off, or of another scheme ("v1,", whpk_, whsk_)'
  return { algorithm, bytes: new TextEncoder().encode(secret) }
}

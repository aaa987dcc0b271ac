import type { KeyMaterial, SigningAlgorithm } from './key.ts'

/** Reads the whole text as UTF-8, a prefix such as `whsec_` included. */
export function textSecret(secret: string): KeyMaterial | string {
  return utf8Key('hmac-sha256', secret)
}

/** Reads the whole text as UTF-8, as a key for SHA-1. */
export function textSecretSha1(secret: string): KeyMaterial | string {
  return utf8Key('hmac-sha1', secret)
}

function utf8Key(algorithm: SigningAlgorithm, secret: string): KeyMaterial | string {
  // A public key is known to everybody: as the key of an HMAC it would let everybody sign.
  if (/^(v1,|wh[ps]k_)/.test(secret))
    return 'is one of Standard Webhooks ("v1,", whpk_ or whsk_): this scheme has another'
  return { algorithm, bytes: new TextEncoder().encode(secret) }
}

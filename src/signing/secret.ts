import { fromBase64, randomBytes, toBase64 } from '#crypto'
import { PosthornError } from '../domain/error.ts'
import type { KeyMaterial, SecretReader } from './key.ts'

/** Generates a signing secret: `whsec_` and the base64 of 32 random bytes (Standard Webhooks asks for 24 to 64). */
export function generateSecret(): string {
  return `whsec_${toBase64(randomBytes(32))}`
}

/** Refuses what is not `whsec_` and the base64 of 24 to 64 bytes, with `SECRET_INVALID` and the fix. */
export function assertSecret(secret: unknown): asserts secret is string {
  readSecret(
    secret,
    (text) => {
      if (/^wh[ps]k_/.test(text)) return 'is one half of a key pair: give the shared secret, whsec_'
      const keys = standardSecret(text)
      if (typeof keys === 'string')
        return 'is not whsec_ and base64 (with + and /) of 24 to 64 bytes: copy all of it, without "v1,"'
      return text.startsWith('whsec_') ? keys : 'does not start with whsec_: put whsec_ before the base64'
    },
    'The secret',
  )
}

/** Turns a secret into keys as its scheme reads it; `label` names it in the error, which never contains it. */
export const readSecret = (secret: unknown, read: SecretReader, label: string): readonly KeyMaterial[] => {
  let keys: ReturnType<SecretReader> = 'is no key: copy all of it'
  try {
    keys =
      typeof secret !== 'string' || /^(undefined|null|)$|^["'`\s]|["'`\s]$/.test(secret)
        ? 'is empty, or in quotes or white space: check the environment variable'
        : read(secret)
  } catch {
    // What the platform's crypto throws for a public key that is none.
  }
  if (typeof keys === 'string') throw invalidSecret(label, keys)
  return [keys].flat()
}

/** Builds the error of a secret that cannot be used; the problem says what it is and what to do. */
export const invalidSecret = (label: string, problem: string): PosthornError =>
  new PosthornError('SECRET_INVALID', `${label} ${problem}.`)

/** Reads `whsec_` (the prefix may be missing) and `whpk_`, as Standard Webhooks writes them. */
export const standardSecret = (secret: string): KeyMaterial | string => {
  const isPublic = secret.startsWith('whpk_')
  const bytes = fromBase64(secret.replace(/^wh(sec|pk)_/, ''), false)
  const length = bytes?.length ?? 0
  return bytes && (isPublic ? length === 32 : length > 23 && length < 65)
    ? { algorithm: isPublic ? 'ed25519' : 'hmac-sha256', bytes }
    : 'is neither whsec_ and base64 of 24 to 64 bytes, nor whpk_ and 32: copy all of it, without "v1,"'
}

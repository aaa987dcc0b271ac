import { fromBase64, randomBytes, toBase64 } from '#crypto'
import { PosthornError } from '../domain/error.ts'
import type { KeyMaterial, SecretReader } from './key.ts'

const unset = ': is the environment variable set?'

/** Generates a signing secret: `whsec_` and the base64 of 32 random bytes (Standard Webhooks asks for 24 to 64). */
export function generateSecret(): string {
  return `whsec_${toBase64(randomBytes(32))}`
}

/** Refuses what is not `whsec_` and the base64 of 24 to 64 bytes, with `SECRET_INVALID` and the fix. */
export function assertSecret(secret: unknown): asserts secret is string {
  readSecret(
    secret,
    (text) => {
      const keys = standardSecret(text)
      if (typeof keys === 'string' || text.startsWith('whsec_')) return keys
      return text.startsWith('wh')
        ? 'is one half of a key pair: give the shared secret, whsec_'
        : 'does not start with whsec_: put whsec_ before the base64'
    },
    'The secret',
  )
}

/** Turns a secret into keys as its scheme reads it; `label` names it in the error, which never contains it. */
export function readSecret(secret: unknown, read: SecretReader, label: string): readonly KeyMaterial[] {
  let keys: ReturnType<SecretReader> = `is no text${unset}`
  try {
    if (typeof secret === 'string') keys = problemOf(secret) ?? read(secret)
  } catch {
    keys = 'is no key: copy all of it' // What the platform's crypto throws for a public key that is none.
  }
  if (typeof keys === 'string') throw invalidSecret(label, keys)
  return [keys].flat()
}

/** Builds the error of a secret that cannot be used; the problem says what it is and what to do. */
export function invalidSecret(label: string, problem: string): PosthornError {
  return new PosthornError('SECRET_INVALID', `${label} ${problem}.`)
}

/** Reads `whsec_` (the prefix may be missing), `whpk_` and `whsk_`, as Standard Webhooks writes them. */
export function standardSecret(secret: string): KeyMaterial | string {
  if (secret.startsWith('v1,')) return 'starts with "v1,": remove that'
  const prefix = /^wh(sec|pk|sk)_/.exec(secret)?.[0] ?? ''
  const bytes = fromBase64(secret.slice(prefix.length), false)
  if (bytes === null) return `is not base64 after ${prefix || 'whsec_'}: copy all of it (with + and /)`
  const { length } = bytes
  const isPrivate = prefix === 'whsk_'
  const isAsymmetric = isPrivate || prefix === 'whpk_'
  const [min, max] = isAsymmetric ? [32, isPrivate ? 64 : 32] : [24, 64]
  // A private key comes alone (32 bytes) or with its public half (64).
  if (length < min || length > max || (isPrivate && length % 32)) {
    return `decodes to ${length} bytes, not ${min} to ${max}: copy all of it`
  }
  return isAsymmetric
    ? { algorithm: 'ed25519', bytes: bytes.slice(0, 32), isPrivate, publicBytes: bytes.slice(32) }
    : { algorithm: 'hmac-sha256', bytes }
}

/** What is wrong with a text as any secret at all. */
function problemOf(secret: string): string | null {
  const text = secret.trim()
  if (/^(|undefined|null)$/.test(text)) return `is ${text || 'empty'}${unset}`
  if (text !== secret) return 'has white space around it: trim it'
  return /^["'`]|["'`]$/.test(secret) ? 'has quotes around it: remove them' : null
}

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
  let keys: ReturnType<SecretReader> = 'is no key: copy all of it'
  try {
    keys = problemOf(secret) ?? read(secret as string) // as: what is no text has a problem
  } catch {
    // What the platform's crypto throws for a public key that is none.
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
  const [prefix = '', kind = 'sec'] = /^wh(sec|pk|sk)_|^v1,|/.exec(secret) ?? []
  if (prefix === 'v1,') return 'starts with "v1,": remove that'
  const bytes = fromBase64(secret.slice(prefix.length), false)
  const length = bytes?.length ?? 0
  const isPrivate = kind === 'sk'
  if (kind === 'sec' && bytes && length > 23 && length < 65) return { algorithm: 'hmac-sha256', bytes }
  // A private key comes alone (32 bytes) or with its public half (64).
  if (kind !== 'sec' && bytes && (length === 32 || (isPrivate && length === 64)))
    return { algorithm: 'ed25519', bytes: bytes.slice(0, 32), isPrivate, publicBytes: bytes.slice(32) }
  const expected = kind === 'sec' ? '24 to 64' : 32
  return `is not base64 (with + and /) of ${expected} bytes after wh${kind}_, but of ${length} bytes: copy all of it`
}

/** What is wrong with a value as any secret at all; the text is read where nothing is. */
function problemOf(secret: unknown): string | null {
  if (typeof secret !== 'string' || /^\s*(|undefined|null)\s*$/.test(secret))
    return 'is no text, or empty: is the environment variable set?'
  return /^["'`\s]|["'`\s]$/.test(secret) ? 'has white space or quotes around it: trim it' : null
}

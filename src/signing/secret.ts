import { cryptoSeam } from '#crypto'
import { PosthornError } from '../domain/error.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'

/**
 * How a secret's text becomes key bytes. `standard`: the base64 behind `whsec_` (the prefix may be missing), 24 to 64
 * bytes. `text`: the whole text as UTF-8, a prefix included.
 */
export type SecretFormat = 'standard' | 'text'

const prefix = 'whsec_'

/** Generates a signing secret: `whsec_` and the base64 of 32 random bytes (Standard Webhooks asks for 24 to 64). */
export function generateSecret(): string {
  return prefix + encodeBase64(cryptoSeam.randomBytes(32))
}

/** Refuses what is not `whsec_` and the base64 of 24 to 64 bytes, with `SECRET_INVALID` and the fix. */
export function assertSecret(secret: unknown): asserts secret is string {
  const text = plainText(secret, 'The secret')
  if (!text.startsWith(prefix))
    throw invalid('The secret', `does not start with ${prefix}: put ${prefix} before the base64`)
  standardKey(text, 'The secret')
}

/** Turns a secret into key bytes; `label` names it in the error, which never contains it. */
export function secretToKey(secret: unknown, format: SecretFormat, label: string): Uint8Array {
  const text = plainText(secret, label)
  return format === 'standard' ? standardKey(text, label) : new TextEncoder().encode(text)
}

function plainText(secret: unknown, label: string): string {
  if (typeof secret !== 'string') {
    throw invalid(
      label,
      `is ${secret === null ? 'null' : typeof secret}, not a string: is the environment variable set?`,
    )
  }
  const problem = problemOf(secret)
  if (problem !== null) throw invalid(label, problem)
  return secret
}

function problemOf(secret: string): string | null {
  const trimmed = secret.trim()
  if (secret === '') return 'is empty: is the environment variable set?'
  if (trimmed === '') return 'is only whitespace: is the environment variable set?'
  if (/[\r\n]$/.test(secret)) return 'ends in a line break: trim it, as `echo -n` or `.trim()` does'
  if (trimmed !== secret) return 'has whitespace around it: trim it'
  if (/^["'`]|["'`]$/.test(secret)) return 'has quotes around it: remove them from the environment variable'
  if (secret === 'undefined' || secret === 'null') {
    return `is the word "${secret}": a missing value was turned into text on the way here`
  }
  if (secret.startsWith('v1,')) return 'starts with "v1,": remove that prefix and keep what follows it'
  if (secret.startsWith('whpk_')) return 'is a public key (whpk_): this scheme needs the shared secret, whsec_'
  if (secret.startsWith('whsk_')) return 'is a private key (whsk_): this scheme needs the shared secret, whsec_'
  return null
}

function standardKey(secret: string, label: string): Uint8Array {
  const base64 = secret.startsWith(prefix) ? secret.slice(prefix.length) : secret
  if (base64 === '') throw invalid(label, `has nothing after ${prefix}: copy the whole secret`)
  const key = decodeBase64(base64, 'lenient')
  if (key === null) {
    throw invalid(label, `is not base64 after ${prefix}: copy the whole secret, in the standard alphabet (+ and /)`)
  }
  if (key.length < 24 || key.length > 64) {
    throw invalid(label, `decodes to ${key.length} bytes, not 24 to 64: generate one with generateSecret()`)
  }
  return key
}

function invalid(label: string, problem: string): PosthornError {
  return new PosthornError('SECRET_INVALID', `${label} ${problem}.`)
}

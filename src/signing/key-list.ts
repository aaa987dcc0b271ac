import { memberAt } from './handshake.ts'
import { readJwk } from './jwk.ts'
import { createVerifyKey, type KeySource, type VerifyKey } from './key.ts'
import { checkKeyFetchOptions, fetchText, KeyCache, type KeyFetchOptions } from './key-cache.ts'
import { standardSecret } from './secret.ts'

/** Options of {@link keyList}. */
export interface KeyListOptions extends KeyFetchOptions {
  /** Where the sender publishes its keys; `https:`, and never taken from a message. */
  readonly url: string
}

/**
 * The public keys that a sender publishes at one URL, as the secret of a {@link Verifier} for `v1a`: a JSON list of `whpk_…`
 * texts, or a JWKS, `{ "keys": [ … ] }`, of Ed25519 keys. They are fetched when the first message comes, kept for an hour, and
 * fetched again, ten times a minute at most, when none fits; while that fails, the old ones are used. Keys of other kinds are skipped.
 * Messages that come while keys are being fetched wait for that one fetch. On Workers a fetch ends with the request that started it: where
 * that request ends first, those that wait fetch again.
 */
export function keyList({ url, ...options }: KeyListOptions): KeySource {
  checkKeyFetchOptions('keyList', options)
  if (
    typeof url !== 'string' ||
    !URL.canParse(url) ||
    new URL(url).protocol !== 'https:' ||
    new URL(url).username !== ''
  ) {
    throw new TypeError('keyList: url must be a URL with https: and without a user.')
  }
  const cache = new KeyCache(async () => readKeys(await fetchText(url, options)), options)
  return (query) => cache.get('', query)
}

// As many as a verifier takes secrets, because each costs a check of every message that does not fit.
const maxKeys = 16

function readKeys(text: string): readonly VerifyKey[] {
  const list: unknown = JSON.parse(text)
  const entries = Array.isArray(list) ? (list as unknown[]) : memberAt(list, 'keys')
  if (!Array.isArray(entries)) throw new TypeError('It is no list of keys.')
  const keys = entries.flatMap((entry: unknown, index) => readKey(entry, index) ?? []).slice(0, maxKeys)
  if (keys.length === 0) throw new TypeError('It has no key that can be used.')
  return keys
}

function readKey(entry: unknown, index: number): VerifyKey | null {
  try {
    if (typeof entry !== 'string') return readJwk(entry, index)
    const material = standardSecret(entry)
    const isPublic = typeof material === 'object' && material.algorithm === 'ed25519'
    return isPublic ? createVerifyKey(material, index, null) : null
  } catch {
    return null // One that the platform's crypto refuses must not take the others away.
  }
}

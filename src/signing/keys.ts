import { cryptoSeam } from '#crypto'
import { PosthornError } from '../domain/error.ts'
import type { HmacKey } from './crypto-seam.ts'
import type { Scheme } from './scheme.ts'
import { secretToKey } from './secret.ts'
import { maxSignatures } from './signature-header.ts'

/** Makes a key of each secret, for the scheme's algorithm and no other. */
export function createKeys(owner: string, secret: string | readonly string[] | undefined, scheme: Scheme): HmacKey[] {
  const secrets: readonly unknown[] = Array.isArray(secret) ? secret : [secret]
  if (secrets.length === 0 || secrets.length > maxSignatures) {
    const problem = `takes 1 to ${maxSignatures} secrets, not ${secrets.length}`
    throw new PosthornError('SECRET_INVALID', `${owner}: secret ${problem}.`)
  }
  return secrets.map((text, index) => {
    const label = `${owner}: ${Array.isArray(secret) ? `secret[${index}]` : 'secret'}`
    return cryptoSeam.createHmacKey(secretToKey(text, scheme.secretFormat, label))
  })
}

import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto'
import { PosthornError } from '../domain/error.ts'
import { readBase64 } from '../signing/base64.ts'
import type { Encryption, SealContext } from './encryption.ts'

/** An {@link Encryption} with keys in the memory of the process, made by {@link keyring}. */
export interface Keyring extends Encryption {
  /** Seals a text with the newest key. */
  seal(text: string, context: SealContext): string
  /** Opens what any of the keys sealed; throws `SECRET_UNREADABLE` or `ENCRYPTION_KEY_UNKNOWN`. */
  open(sealed: string, context: SealContext): string
  /** Derives a key of 32 bytes from each key (HKDF-SHA256, RFC 5869), newest first. */
  deriveKeys(purpose: string): readonly Uint8Array[]
}

/**
 * Makes the encryption of secrets from keys that you hold, by id. The last one given is the newest and seals; every one opens. To
 * change keys: add the new one at the end in every process, run {@link WebhookRegistry.reseal} to its end, take the old one out.
 *
 * A key is 32 bytes, or their base64 (`openssl rand -base64 32`). An id is a letter, then up to 31 letters, digits, `_` and `-`; it stands
 * in the sealed text in clear.
 *
 * It is AES-256-GCM with a random iv of 96 bits and a tag of 128 (NIST SP 800-38D), over tenant, webhook and field as additional data. A
 * key may seal 2^32 texts, which is more than all creations and rotations of any one system.
 *
 * @throws {PosthornError} `ENCRYPTION_KEY_INVALID` naming the key's id; TypeError where no object was given.
 */
export function keyring(keys: Readonly<Record<string, string | Uint8Array>>): Keyring {
  if (typeof keys !== 'object' || keys === null || Array.isArray(keys)) {
    throw new TypeError('keyring takes an object of keys by id: keyring({ k1: process.env.POSTHORN_KEY }).')
  }
  const entries = Object.entries(keys)
  if (entries.length === 0) throw invalid('The keyring has no key', 'give it at least one')
  return new AesKeyring(new Map(entries.map(([id, key]) => [checkId(id), toKey(id, key)])))
}

const algorithm = 'aes-256-gcm'
const format = 'a256gcm'
const keyBytes = 32
const ivBytes = 12
const tagBytes = 16

class AesKeyring implements Keyring {
  readonly #keys: ReadonlyMap<string, KeyObject>
  readonly #newestId: string
  readonly #newest: KeyObject

  constructor(keys: ReadonlyMap<string, KeyObject>) {
    const newest = [...keys].at(-1)
    if (newest === undefined) throw new TypeError('A keyring has at least one key.')
    this.#keys = keys
    ;[this.#newestId, this.#newest] = newest
  }

  seal(text: string, context: SealContext): string {
    const iv = randomBytes(ivBytes)
    const cipher = createCipheriv(algorithm, this.#newest, iv, { authTagLength: tagBytes })
    cipher.setAAD(additionalData(context))
    const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
    return `${format}:${this.#newestId}:${sealed.toString('base64url')}`
  }

  open(sealed: string, context: SealContext): string {
    const { keyId, bytes } = parse(sealed, context)
    const key = this.#keys.get(keyId)
    if (key === undefined) throw unknownKey(keyId, context)
    const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
    decipher.setAAD(additionalData(context))
    decipher.setAuthTag(bytes.subarray(-tagBytes))
    try {
      const text = decipher.update(bytes.subarray(ivBytes, -tagBytes))
      return Buffer.concat([text, decipher.final()]).toString('utf8')
    } catch {
      throw unreadable(context, 'was changed or moved, or its key is another one of the same id')
    }
  }

  isCurrent(sealed: string): boolean {
    return sealed.startsWith(`${format}:${this.#newestId}:`)
  }

  deriveKeys(purpose: string): Uint8Array[] {
    const keys = [...this.#keys.values()].toReversed()
    return keys.map((key) => new Uint8Array(hkdfSync('sha256', key, '', `posthorn ${purpose}`, keyBytes)))
  }
}

// As JSON, so that no two contexts make the same bytes.
function additionalData({ tenantId, webhookId, field }: SealContext): Buffer {
  return Buffer.from(JSON.stringify([tenantId, webhookId, field]))
}

function parse(sealed: string, context: SealContext): { readonly keyId: string; readonly bytes: Buffer } {
  const [name, keyId, base64, ...rest] = sealed.split(':')
  if (name !== format || keyId === undefined || base64 === undefined || rest.length > 0) {
    throw unreadable(context, 'is not in the form of a keyring')
  }
  const bytes = Buffer.from(base64, 'base64url')
  // Buffer reads past what is no base64; one text must have one form.
  if (bytes.toString('base64url') !== base64) throw unreadable(context, 'is not base64')
  if (bytes.length < ivBytes + tagBytes) throw unreadable(context, 'is cut off')
  return { keyId, bytes }
}

function checkId(id: string): string {
  if (/^[A-Za-z][\w-]{0,31}$/.test(id)) return id
  // JavaScript puts keys such as "2025" in front, whatever the order they were written in: the newest would be another.
  throw invalid(
    `The key id ${JSON.stringify(id.slice(0, 64))} does not fit`,
    'begin with a letter, at most 32 characters',
  )
}

function toKey(id: string, key: unknown): KeyObject {
  const bytes = typeof key === 'string' ? readBase64(key) : key
  if (key === undefined) throw invalid(`Key ${id} is undefined`, 'is its environment variable set?')
  if (!(bytes instanceof Uint8Array)) {
    throw invalid(`Key ${id} is neither bytes nor base64`, 'make one with `openssl rand -base64 32`')
  }
  if (bytes.length !== keyBytes) {
    throw invalid(`Key ${id} has ${bytes.length} bytes, not ${keyBytes}`, 'make one with `openssl rand -base64 32`')
  }
  return createSecretKey(bytes)
}

function invalid(problem: string, fix: string): PosthornError {
  return new PosthornError('ENCRYPTION_KEY_INVALID', `${problem}: ${fix}.`)
}

function unknownKey(keyId: string, { webhookId }: SealContext): PosthornError {
  const id = JSON.stringify(keyId.slice(0, 64))
  const message = `The secrets of webhook ${webhookId} were sealed with key ${id}, which the keyring does not have: add it.`
  return new PosthornError('ENCRYPTION_KEY_UNKNOWN', message)
}

function unreadable({ webhookId }: SealContext, problem: string): PosthornError {
  const message = `What is stored as the secrets of webhook ${webhookId} ${problem}: rotate its secret, or restore the row.`
  return new PosthornError('SECRET_UNREADABLE', message)
}

import { ed25519, ed25519Signer, hmac, toBase64 } from '#crypto'
import { readBase64 } from './base64.ts'
import type { Content, Sign } from './crypto-seam.ts'
import type { KeyMaterial, SigningAlgorithm } from './key.ts'
import { listSecrets } from './keys.ts'
import type { Scheme } from './scheme.ts'
import { invalidSecret, readSecret } from './secret.ts'

/** A key that never leaves where it is kept, such as a KMS. */
export interface RemoteKey {
  /** The algorithm, one of those that the scheme allows. */
  readonly algorithm: SigningAlgorithm
  /** Signs these very bytes; what it rejects with is thrown by {@link Signer.sign}. Some KMS take up to 4,096 bytes only. */
  readonly sign: (content: Uint8Array) => Promise<Uint8Array>
}

/** A key that is ready to sign. */
export interface SigningKey {
  readonly algorithm: SigningAlgorithm
  readonly sign: Sign
}

/** Prepares the keys of a signer. */
export function createSigningKeys(secret: unknown, scheme: Scheme): readonly SigningKey[] {
  return listSecrets(secret).map((given, index) => {
    const label = `Signer: secret ${index + 1}`
    if (isRemote(given)) return remoteKey(label, given, scheme)
    if (typeof given === 'string' && given.startsWith('whsk_') && readsPublicKeys(scheme))
      return privateKey(label, given)
    // Where a text may be one of several keys, the first is what new receivers expect.
    const [material] = readSecret(given, scheme.readSecret, label)
    if (material === undefined) throw invalidSecret(label, 'is no key')
    const { algorithm, bytes } = material
    if (algorithm === 'ed25519') throw invalidSecret(label, 'is a public key: a signer needs the private key, whsk_')
    return { algorithm, sign: signWith(algorithm, bytes) }
  })
}

function signWith(algorithm: SigningAlgorithm, bytes: Uint8Array): Sign {
  if (algorithm === 'hmac-sha256') return hmac('256', bytes)
  if (algorithm === 'hmac-sha1') return hmac('1', bytes)
  return () => bytes
}

/** Whether receivers can be given the public half, `whpk_`, of a private key. */
function readsPublicKeys({ readSecret: read }: Scheme): boolean {
  try {
    const keys = [read(`whpk_${toBase64(new Uint8Array(32))}`)].flat()
    return keys.some((key) => typeof key === 'object' && key.algorithm === 'ed25519')
  } catch {
    return false // It reads no such text.
  }
}

/** Reads `whsk_` as Standard Webhooks writes it: the seed alone (32 bytes), or with its public half behind it (64). */
function privateKey(label: string, secret: string): SigningKey {
  const bytes = readSecret(secret, privateKeyMaterial, label)[0]?.bytes ?? new Uint8Array(0)
  const sign = ed25519Signer(bytes.slice(0, 32))
  return { algorithm: 'ed25519', sign: bytes.length > 32 ? checked(label, sign, bytes.slice(32)) : sign }
}

function privateKeyMaterial(secret: string): KeyMaterial | string {
  const bytes = readBase64(secret.slice(5))
  return bytes?.length === 32 || bytes?.length === 64
    ? { algorithm: 'ed25519', bytes }
    : 'is not base64 (with + and /) of 32 bytes after whsk_: copy all of it'
}

/** Signs, and makes sure once that the public half that was written beside a private key is its own. */
function checked(label: string, sign: Sign, publicBytes: Uint8Array): Sign {
  const check = ed25519(publicBytes)
  let isOwn: boolean | undefined
  return async (content) => {
    const made = await sign(content)
    isOwn ??= await check(content, made)
    if (!isOwn) throw invalidSecret(label, 'has a public half that is not its own: copy all of it')
    return made
  }
}

function remoteKey(label: string, { algorithm, sign }: RemoteKey, scheme: Scheme): SigningKey {
  if (scheme.signature.prefixes[algorithm] === undefined) {
    throw invalidSecret(label, `is a key for ${algorithm}, which the scheme ${scheme.name} does not use`)
  }
  return { algorithm, sign: (content) => sign(joined(content)) }
}

function isRemote(given: unknown): given is RemoteKey {
  return typeof given === 'object' && given !== null && 'sign' in given && typeof given.sign === 'function'
}

function joined(content: Content): Uint8Array {
  const encoder = new TextEncoder()
  return Uint8Array.from(content.flatMap((part) => [...(typeof part === 'string' ? encoder.encode(part) : part)]))
}

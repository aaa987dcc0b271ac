import { ed25519, ed25519Signer, hmac } from '#crypto'
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
  return listSecrets('Signer', secret).map(([label, given]) => {
    if (isRemote(given)) return remoteKey(label, given, scheme)
    // Where a text may be one of several keys, the first is what new receivers expect.
    const material = readSecret(given, scheme.readSecret, label)[0]
    if (material === undefined) throw invalidSecret(label, 'is no key')
    if (material.algorithm === 'ed25519' && !material.isPrivate) {
      throw invalidSecret(label, 'is a public key: a signer needs the private key, whsk_')
    }
    const sign = signWith(material)
    return {
      algorithm: material.algorithm,
      sign: material.publicBytes?.length ? checked(label, sign, material.publicBytes) : sign,
    }
  })
}

function signWith({ algorithm, bytes }: KeyMaterial): Sign {
  if (algorithm === 'hmac-sha256') return hmac('256', bytes)
  if (algorithm === 'hmac-sha1') return hmac('1', bytes)
  if (algorithm === 'ed25519') return ed25519Signer(bytes)
  return () => bytes
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

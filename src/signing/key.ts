import { ed25519, hmac, isEqual } from '#crypto'
import type { Check, Content, PublicKeyAlgorithm } from './crypto-seam.ts'
import type { HeaderTexts } from './header-reader.ts'

/** What makes a signature of key and content. `token` is no signature: the secret itself is sent. */
export type SigningAlgorithm = 'hmac-sha256' | 'hmac-sha1' | PublicKeyAlgorithm | 'token'

/** A key as bytes, with the one algorithm that it may be used with. */
export interface KeyMaterial {
  /** The algorithm. */
  readonly algorithm: SigningAlgorithm
  /** The secret, the public key (ed25519: 32 bytes, else DER SubjectPublicKeyInfo), or the private key (ed25519: the seed). */
  readonly bytes: Uint8Array
  /** Whether it is a private key, with which only a {@link Signer} can do something. */
  readonly isPrivate?: boolean
  /** The public key that was written beside a private one. */
  readonly publicBytes?: Uint8Array
  /** Judges signatures; needed for all but HMAC, ed25519 and tokens, so that a bundle holds only the algorithms it uses. */
  readonly check?: Check
}

/** Turns a secret's text into keys, any of which may have signed, or answers what is wrong with it: "is …: do …". */
export type SecretReader = (secret: string) => KeyMaterial | readonly KeyMaterial[] | string

/** A key that is ready to judge signatures. */
export interface VerifyKey {
  /** The one algorithm that it is used with. */
  readonly algorithm: SigningAlgorithm
  /** Which of the verifier's secrets, or of the keys in a list, it is; counted from 0. */
  readonly index: number
  /** The name that the key was given; null for none. */
  readonly id: string | null
  /** The instant from which on its signatures are refused, in milliseconds since the epoch; Infinity for never. */
  readonly notAfterMs: number
  /** Says whether one of the signatures is this key's over the content. */
  readonly matches: (content: Content, signatures: readonly Uint8Array[]) => boolean | Promise<boolean>
  /** Signs, where the key is a shared secret. */
  readonly sign?: (content: Content) => Uint8Array | Promise<Uint8Array>
}

/** What a {@link KeySource} is asked. */
export interface KeyQuery {
  /** The headers and divided values of the message, of which nothing is proven yet. */
  readonly texts: HeaderTexts
  /** Whether the keys given before did not fit, so that newer ones should be fetched where that is allowed. */
  readonly isRetry: boolean
  /** Gives up. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Finds the keys of a sender who publishes them. It never takes a place from the message that is not pinned. What it rejects with becomes the
 * `cause` of `KEYS_UNAVAILABLE`, unless it is an error of Posthorn's.
 */
export type KeySource = (query: KeyQuery) => Promise<readonly VerifyKey[]>

/** Prepares a key for judging signatures; throws where the bytes are no key. */
export function createVerifyKey(
  { algorithm, bytes, check }: KeyMaterial,
  index: number,
  id: string | null,
  notAfterMs = Infinity,
): VerifyKey {
  const isHmac = algorithm.startsWith('hmac')
  // as: the hash is what comes after hmac-sha.
  const sign = isHmac ? hmac(algorithm.slice(8) as '256' | '1', bytes) : () => bytes
  const judge = isHmac || algorithm === 'token' ? null : (check ?? ed25519(bytes))
  const matches: VerifyKey['matches'] = (content, signatures) => {
    if (judge) return hasValid(judge, content, signatures)
    const hasEqual = (expected: Uint8Array) => signatures.some((signature) => isEqual(signature, expected))
    // Made once, however many signatures there are.
    const made = sign(content)
    return made instanceof Promise ? made.then(hasEqual) : hasEqual(made)
  }
  return { algorithm, index, id, notAfterMs, matches, ...(isHmac && { sign }) }
}

async function hasValid(judge: Check, content: Content, signatures: readonly Uint8Array[]): Promise<boolean> {
  for (const signature of signatures) if (await judge(content, signature)) return true
  return false
}

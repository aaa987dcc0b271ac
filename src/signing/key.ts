import { ed25519, hmac } from '#crypto'
import type { Check, PublicKeyAlgorithm, Sign } from './crypto-seam.ts'
import type { HeaderTexts } from './header-reader.ts'

/** What makes a signature of key and content. `token` is no signature: the secret itself is sent. */
export type SigningAlgorithm = 'hmac-sha256' | 'hmac-sha1' | PublicKeyAlgorithm | 'token'

/** A key as bytes, with the one algorithm that it may be used with. */
export type KeyMaterial = SharedKeyMaterial | CheckedKeyMaterial

/** A shared secret, or an ed25519 public key. */
export interface SharedKeyMaterial {
  /** The algorithm. */
  readonly algorithm: 'hmac-sha256' | 'hmac-sha1' | 'ed25519'
  /** The secret, or the public key's 32 bytes. */
  readonly bytes: Uint8Array
  /** Judges signatures in place of the runtime's crypto. */
  readonly check?: Check
}

/** A key of any other algorithm. It brings what judges its signatures, so that a bundle holds only the algorithms it uses. */
export interface CheckedKeyMaterial {
  /** The algorithm. */
  readonly algorithm: Exclude<SigningAlgorithm, SharedKeyMaterial['algorithm']>
  /** The public key, a DER SubjectPublicKeyInfo; of a token its bytes. */
  readonly bytes: Uint8Array
  /** Judges signatures. */
  readonly check: Check
}

/** Turns a secret's text into keys, any of which may have signed, or answers what is wrong with it: "is …: do …". */
export type SecretReader = (secret: string) => KeyMaterial | readonly KeyMaterial[] | string

/** A key that is ready to judge signatures. */
export interface VerifyKey {
  /** The one algorithm that it is used with. */
  readonly algorithm: SigningAlgorithm
  /** Which of the verifier's secrets, or of the keys in a list, it is; counted from 0. */
  readonly keyIndex: number
  /** The name that the key was given; null for none. */
  readonly keyId: string | null
  /** The instant from which on its signatures are refused, in milliseconds since the epoch; Infinity for never. */
  readonly notAfterMs: number
  /** Signs, where the key is a shared secret. */
  readonly sign?: Sign | undefined
  /** Judges one signature, where it is not. */
  readonly check?: Check | undefined
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
export type KeySource = (query: KeyQuery) => readonly VerifyKey[] | Promise<readonly VerifyKey[]>

/** Prepares a key for judging signatures; throws where the bytes are no key. */
export const createVerifyKey = (
  { algorithm, bytes, check = algorithm === 'ed25519' ? ed25519(bytes) : undefined }: KeyMaterial,
  keyIndex: number,
  keyId: string | null,
  notAfterMs = Infinity,
): VerifyKey => ({
  algorithm,
  keyIndex,
  keyId,
  notAfterMs,
  check,
  // as: the hash is what comes after hmac-sha.
  sign: check ? undefined : hmac(algorithm.slice(8) as '256' | '1', bytes),
})

/** Parts that are signed as if they were one; a string counts as its UTF-8 bytes. */
export type Content = readonly (string | Uint8Array)[]

/** Public-key algorithms. The ECDSA signatures here are `r` and `s` as two numbers of 32 bytes (IEEE P1363). */
export type PublicKeyAlgorithm = 'ed25519' | 'ecdsa-p256' | 'rsa-sha256' | 'rsa-sha1'

/** Makes a signature; synchronous where the runtime can. */
export type Sign = (content: Content) => Uint8Array | Promise<Uint8Array>

/** Judges one signature; synchronous where the runtime can. */
export type Check = (content: Content, signature: Uint8Array) => boolean | Promise<boolean>

/**
 * What signing needs of a runtime's cryptography. Import it as `#crypto`: package.json chooses `crypto-node.ts` on Node
 * and `crypto-web.ts` elsewhere. Functions rather than one object, so that a bundle holds only what it uses.
 */
export interface CryptoSeam {
  /** Prepares a key for HMAC with SHA-256 or SHA-1; made once, used for every message. */
  hmac(hash: '256' | '1', secret: Uint8Array): Sign
  /** Prepares an ed25519 public key of 32 bytes. */
  ed25519(bytes: Uint8Array): Check
  /** Prepares another public key, a DER SubjectPublicKeyInfo. Throws, here or at the first use, where it is none. */
  spkiKey(algorithm: Exclude<PublicKeyAlgorithm, 'ed25519'>, der: Uint8Array): Check
  /** Prepares an ed25519 private key from its seed of 32 bytes. */
  ed25519Signer(seed: Uint8Array): Sign
  sha256(content: Content): Uint8Array | Promise<Uint8Array>
  /** Compares in a time that depends on the length only. */
  isEqual(left: Uint8Array, right: Uint8Array): boolean
  randomBytes(length: number): Uint8Array
  /** Copies bytes, into a buffer that others share where that takes less time: to be read, not to be given away. */
  copyBytes(bytes: Uint8Array): Uint8Array
  /** Gives bytes to give away, whose buffer holds nothing else: the very bytes where it does not. */
  ownBytes(bytes: Uint8Array): Uint8Array
  /** Encodes in lower case. */
  toHex(bytes: Uint8Array): string
  /** Decodes digits of either case, two for each byte, or answers null. */
  fromHex(text: string): Uint8Array | null
  /** Encodes in the standard alphabet, with padding. */
  toBase64(bytes: Uint8Array): string
  /**
   * Decodes the standard alphabet, or answers null. Strictly only what {@link CryptoSeam.toBase64} writes; otherwise padding
   * may be missing and spare bits set, as Python reads secrets.
   */
  fromBase64(text: string, isStrict: boolean): Uint8Array | null
}

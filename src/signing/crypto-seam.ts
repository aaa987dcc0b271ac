/**
 * What signing needs of a runtime's cryptography. Import it as `#crypto`: package.json chooses `crypto-node.ts` on Node
 * and `crypto-web.ts` elsewhere.
 */
export interface CryptoSeam {
  /** Prepares a key for HMAC-SHA256; made once, used for every message. */
  createHmacKey(secret: Uint8Array): HmacKey
  /** Compares in a time that depends on the length only. */
  isEqual(left: Uint8Array, right: Uint8Array): boolean
  randomBytes(length: number): Uint8Array
}

export interface HmacKey {
  /** Signs the parts as if they were one; a string counts as its UTF-8 bytes. Synchronous where the runtime can. */
  sign(content: readonly (string | Uint8Array)[]): Uint8Array | Promise<Uint8Array>
}

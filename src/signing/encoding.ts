/** How the bytes of a signature or a secret are written as text. */
export interface Encoding {
  /** The encoding's name, for tables and messages. */
  readonly name: string
  /** Writes bytes as text. Left out by `base64` and `hex`, which a {@link Signer} knows, so that who only verifies does not load it. */
  readonly encode?: (bytes: Uint8Array) => string
  /** Reads text that is exactly what may be written, else answers null. */
  readonly decode: (text: string) => Uint8Array | null
}

/** How the bytes of a signature or a secret are written as text. */
export interface Encoding {
  /** The encoding's name, for tables and messages. */
  readonly name: string
  /** Writes bytes as text. */
  readonly encode: (bytes: Uint8Array) => string
  /** Reads text that is exactly what {@link Encoding.encode} may write, else answers null. */
  readonly decode: (text: string) => Uint8Array | null
}

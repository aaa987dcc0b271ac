/** The text of a body up to a number of bytes. */
export class CappedText {
  readonly #maxBytes: number
  readonly #chunks: Uint8Array[] = []
  #size = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Whether more has come than is kept, so that the rest need not be read. */
  isFull = false

  /** Takes what fits. */
  add(chunk: Uint8Array): void {
    const room = this.#maxBytes - this.#size
    // A copy: a chunk may be a view of a buffer that is used again, or of a large one that it would keep alive. A Buffer's own `slice` is none.
    this.#chunks.push(Uint8Array.prototype.slice.call(chunk, 0, room))
    this.#size += Math.min(room, chunk.byteLength)
    this.isFull = chunk.byteLength > room
  }

  /** What has come so far. */
  end(): string {
    if (this.#size === 0) return ''
    const decoder = new TextDecoder() // replaces what is not UTF-8
    const text = this.#chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('')
    // NUL is no text to many databases.
    return text.replaceAll('\0', '\uFFFD')
  }
}

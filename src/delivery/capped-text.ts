/** The text of a body up to a number of bytes. */
export class CappedText {
  readonly #maxBytes: number
  #bytes = new Uint8Array()
  #size = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Whether more has come than is kept, so that the rest need not be read. */
  isFull = false

  /** Takes what fits. */
  add(chunk: Uint8Array): void {
    const room = this.#maxBytes - this.#size
    const fitting = chunk.byteLength > room ? chunk.subarray(0, room) : chunk
    this.#makeRoom(this.#size + fitting.byteLength)
    // A copy: a chunk may be a view of a buffer that is used again, or of a large one that it would keep alive.
    this.#bytes.set(fitting, this.#size)
    this.#size += fitting.byteLength
    this.isFull = chunk.byteLength > room
  }

  /** What has come so far. */
  end(): string {
    if (this.#size === 0) return ''
    // Replaces what is not UTF-8. As a stream: a character that is cut off at the end is left out.
    const text = new TextDecoder().decode(this.#bytes.subarray(0, this.#size), { stream: true })
    // NUL is no text to many databases.
    return text.replaceAll('\0', '\uFFFD')
  }

  // In one piece: whoever sends chunks of one byte would make an object of hundreds of bytes of each.
  #makeRoom(size: number): void {
    if (size <= this.#bytes.byteLength) return
    const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(size, 2 * this.#bytes.byteLength)))
    grown.set(this.#bytes.subarray(0, this.#size))
    this.#bytes = grown
  }
}

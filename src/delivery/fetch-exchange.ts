import { CappedText } from './capped-text.ts'
import { type Answer, type Exchange, plainHeaders } from './exchange.ts'

/** An exchange over a fetch that the host has given. It is given up also where that fetch does not heed its signal. */
export class FetchExchange implements Exchange {
  readonly answer: Promise<Answer>
  readonly #fetch: typeof globalThis.fetch
  readonly #text: CappedText
  readonly #controller = new AbortController()
  #resolve!: (answer: Answer) => void
  #reject!: (error: unknown) => void
  #head: Pick<Answer, 'status' | 'headers'> | null = null

  constructor(fetch: typeof globalThis.fetch, maxBytes: number) {
    this.#fetch = fetch
    this.#text = new CappedText(maxBytes)
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Makes the request. */
  begin(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Answer> {
    this.#exchange(url, { method: 'POST', headers: { ...headers }, body }).then(
      () => this.#end(null),
      (error: unknown) => this.#end(error),
    )
    return this.answer
  }

  abort(): void {
    this.#end(new Error('The request was given up.'))
    this.#controller.abort()
  }

  async #exchange(url: string, init: RequestInit): Promise<void> {
    const fetch = this.#fetch
    const response = await fetch(url, { ...init, redirect: 'manual', signal: this.#controller.signal })
    // Read here, where what is no Response after all fails the attempt, and not the timer that ends it.
    this.#head = { status: response.status, headers: plainHeaders(Object.fromEntries(response.headers)) }
    if (response.body === null) return
    for await (const chunk of response.body as AsyncIterable<unknown>) {
      if (!ArrayBuffer.isView(chunk)) throw new TypeError('The fetch that was given answered no bytes.')
      this.#text.add(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
      if (!this.#text.isFull) continue
      // Told at once: leaving the loop cancels the stream, and a stream may never confirm it.
      this.#end(null)
      return
    }
  }

  // The status decides, however the body ends.
  #end(error: unknown): void {
    if (this.#head === null) return this.#reject(error)
    this.#resolve({ ...this.#head, text: this.#text.end(), body: null })
  }
}

import { CappedText } from './capped-text.ts'

/** What a receiver answered, as far as it is kept. */
export interface Answer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** The first bytes of the body as text. */
  readonly text: string
  /** Tells ofetch that nothing is left to read. */
  readonly body: null
}

/** One request and its answer, which may be given up at any time. */
export interface Exchange {
  /** Rejects where no status came. */
  readonly answer: Promise<Answer>
  /** Gives it up. What was answered so far stands: a status decides, however its body ends. */
  abort(): void
}

/** As much of undici's controller as is used: what destroys the connection. */
interface Controller {
  abort(reason: Error): void
}

/**
 * An exchange by undici's own handler interface: a stream, a signal and a Response for each request cost more than the rest of it.
 *
 * waiting ─onRequestStart→ sent ─onResponseStart→ answered ─onResponseEnd→ done
 *    └────── abort | error ──┴── rejected              └ abort | error | enough of the body → done, the connection destroyed
 */
export class HandlerExchange implements Exchange {
  readonly answer: Promise<Answer>
  readonly #maxBytes: number
  #text: CappedText | null = null
  #resolve!: (answer: Answer) => void
  #reject!: (error: unknown) => void
  #controller: Controller | null = null
  #status = 0
  #headers: Readonly<Record<string, string>> = {}
  #isDone = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  abort(): void {
    this.#end(givenUp)
    this.#controller?.abort(givenUp)
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    // Given up while it waited for a connection: nothing is sent.
    if (this.#isDone) controller.abort(givenUp)
  }

  onResponseStart(_: Controller, status: number, headers: IncomingHeaders): void {
    // Informational answers come before the one that counts.
    if (status < 200) return
    this.#status = status
    this.#headers = joinedHeaders(headers)
  }

  onResponseData(controller: Controller, chunk: Uint8Array): void {
    this.#text ??= new CappedText(this.#maxBytes)
    this.#text.add(chunk)
    if (!this.#text.isFull) return
    this.#end(null)
    controller.abort(givenUp)
  }

  onResponseEnd(): void {
    this.#end(null)
  }

  onResponseError(_: Controller, error: Error): void {
    this.#end(error)
  }

  #end(error: Error | null): void {
    if (this.#isDone) return
    this.#isDone = true
    if (this.#status === 0) this.#reject(error ?? givenUp)
    else this.#resolve({ status: this.#status, headers: this.#headers, text: this.#text?.end() ?? '', body: null })
  }
}

/** Headers as undici and node:http give them. */
export type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>

// undici writes names in lower case; only a header that came more than once is no text.
function joinedHeaders(headers: IncomingHeaders): Readonly<Record<string, string>> {
  for (const name in headers) if (typeof headers[name] !== 'string') return plainHeaders(headers)
  return headers as Readonly<Record<string, string>> // looked at one by one
}

/** One text for each name, in lower case. */
export function plainHeaders(headers: IncomingHeaders): Record<string, string> {
  const plain: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) plain[name.toLowerCase()] = typeof value === 'string' ? value : value.join(', ')
  }
  return plain
}

// One for all: nobody reads where it came from.
const givenUp = new Error('The request was given up.')

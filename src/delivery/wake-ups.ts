// Who is told at once of one write spreads over this, so that many processes do not all claim at once.
const spreadMs = 20
// A stream of writes makes no more claims than this apart.
const leastApartMs = 50

/** Makes one wake-up of many that come close together, a moment later, and never many in a row. */
export class WakeUps {
  readonly #wake: () => void
  readonly #random: () => number
  readonly #ended: AbortSignal
  #timer: NodeJS.Timeout | undefined
  #lastAt = -Infinity

  constructor(wake: () => void, random: () => number, ended: AbortSignal) {
    this.#wake = wake
    this.#random = random
    this.#ended = ended
    ended.addEventListener('abort', () => clearTimeout(this.#timer), { once: true })
  }

  /** Asks for a wake-up. */
  tell(): void {
    if (this.#timer !== undefined || this.#ended.aborted) return
    const waitMs = Math.max(0, this.#lastAt + leastApartMs - performance.now()) + this.#random() * spreadMs
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#lastAt = performance.now()
      this.#wake()
    }, waitMs).unref()
  }
}

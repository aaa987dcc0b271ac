/**
 * Bounds how many requests are under way at once; waiters are served in the order they came, the urgent ones first. Once `shutdown` is
 * aborted no request is begun, and nobody waits.
 */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number, shutdown: AbortSignal) {
    this.#free = count
    shutdown.addEventListener('abort', () => this.#letAllGo(), { once: true })
  }

  /** Takes a slot if one is free. */
  tryTake(): boolean {
    if (this.#free === 0) return false
    this.#free--
    return true
  }

  /** Takes a slot when one is given back, before all others where it is urgent; for when {@link tryTake} had none. */
  take(isUrgent: boolean): Promise<void> {
    return new Promise((resolve) => {
      if (isUrgent) this.#waiting.unshift(resolve)
      else this.#waiting.push(resolve)
    })
  }

  /** Gives a slot back, to the next in line if there is one. */
  giveBack(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }

  // What waits is to be given back at once, not when the slowest receiver lets go of a slot.
  #letAllGo(): void {
    this.#free = Infinity
    for (const go of this.#waiting.splice(0)) go()
  }
}

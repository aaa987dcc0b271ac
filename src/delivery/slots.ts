/** Bounds how many requests are under way at once; waiters are served in the order they came, the urgent ones first. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
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
}

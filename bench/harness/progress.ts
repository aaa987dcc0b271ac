/** How many of a number of deliveries are finished, and who waits for that. */
export class Progress {
  #finished = 0
  #count = 0
  #held: { readonly at: number; readonly resolve: () => void }[] = []
  #resolve: () => void = () => {}
  #reject: (error: Error) => void = () => {}

  /** Begins anew; resolves when so many are finished. */
  begin(count: number): Promise<void> {
    this.#finished = 0
    this.#count = count
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** One more is finished. */
  finishOne(): void {
    this.#finished++
    while (this.#held[0] !== undefined && this.#held[0].at <= this.#finished) this.#held.shift()?.resolve()
    if (this.#finished === this.#count) this.#resolve()
  }

  /** A benchmark with failures in it compares nothing. */
  fail(error: Error): void {
    this.#reject(error)
  }

  /** Resolves once no more than `max` would be open with `begun` of them begun. */
  async room(begun: number, max: number): Promise<void> {
    const at = begun - max
    if (at <= this.#finished) return
    await new Promise<void>((resolve) => this.#held.push({ at, resolve }))
  }
}

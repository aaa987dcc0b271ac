/** Resolves after a number of deliveries. */
export class Countdown {
  #left = 0
  #resolve: () => void = () => {}
  #reject: (error: unknown) => void = () => {}

  /** Begins anew. */
  start(count: number): Promise<void> {
    this.#left = count
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** One is done. */
  tick(): void {
    if (--this.#left === 0) this.#resolve()
  }

  /** Ends the wait: a benchmark with failures in it compares nothing. */
  fail(error: unknown): void {
    this.#reject(error)
  }
}

/** Numbers in chunks, for bulk inserts. */
export function* chunks(count: number, size: number): Generator<readonly number[]> {
  for (let start = 0; start < count; start += size) {
    yield Array.from({ length: Math.min(size, count - start) }, (_, index) => start + index)
  }
}

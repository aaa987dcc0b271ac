/** Does what is of the same name one after the other, in the order in which it came. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>()

  /** Does the work when all that came before it under the name is over, however it ended. */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name)
    const result = before === undefined ? work() : before.then(work)
    const end = result.then(over, over)
    this.#last.set(name, end)
    try {
      return await result
    } finally {
      if (this.#last.get(name) === end) this.#last.delete(name)
    }
  }
}

// A failure is the caller's, who has the result.
function over(): void {}

/** Writes in groups without a timer: one is under way, and whatever comes meanwhile goes into the next. */
export class Group<Item> {
  readonly #write: (items: readonly Item[]) => Promise<void> | void
  #next: { readonly items: Item[]; readonly written: Promise<void> } | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(write: (items: readonly Item[]) => Promise<void> | void) {
    this.#write = write
  }

  /** Resolves once the item is written. */
  add(item: Item): Promise<void> {
    this.#next ??= this.#begin()
    this.#next.items.push(item)
    return this.#next.written
  }

  #begin(): { readonly items: Item[]; readonly written: Promise<void> } {
    const items: Item[] = []
    this.#last = this.#writeAfter(this.#last, items)
    return { items, written: this.#last }
  }

  async #writeAfter(last: Promise<void>, items: readonly Item[]): Promise<void> {
    await last
    // Whatever comes in the same turn of the event loop joins.
    await new Promise((resolve) => setImmediate(resolve))
    this.#next = undefined
    await this.#write(items)
  }
}

/** Places of which each is taken by one at a time, in the order of asking. */
export class Places {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** Resolves once there is a place. */
  async take(): Promise<void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Gives one back. */
  giveBack(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }
}

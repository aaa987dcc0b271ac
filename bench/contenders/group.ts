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

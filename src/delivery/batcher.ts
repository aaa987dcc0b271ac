/** Writes a batch; answers in the order of the batch. */
export type WriteBatch<Item, Result> = (items: readonly Item[]) => Promise<readonly Result[]>

const maxFailuresInRow = 3

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * Groups concurrent writes without a timer: one write is under way, and whatever arrives meanwhile goes into the next. A batch that
 * fails is written one by one, so that a bad item fails alone; writes must therefore be safe to repeat.
 */
export class Batcher<Item, Result> {
  readonly #write: WriteBatch<Item, Result>
  readonly #maxItems: number
  #waiting: Waiting<Item, Result>[] = []
  #isWriting = false

  constructor(write: WriteBatch<Item, Result>, options: { readonly maxItems: number }) {
    this.#write = write
    this.#maxItems = options.maxItems
  }

  /** Writes an item with the next batch. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (!this.#isWriting) void this.#writeAll()
    })
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    // Whoever calls in the same turn joins the first batch.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#maxItems)
      await this.#writeBatch(batch)
    }
    this.#isWriting = false
  }

  async #writeBatch(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#write(batch.map(({ item }) => item))
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result) // one result per item
    } catch (error) {
      if (batch.length === 1) batch[0]?.reject(error)
      else await this.#writeOneByOne(batch)
    }
  }

  // A few failures in a row are no bad items but a storage that is away: the rest is not made to wait for it.
  async #writeOneByOne(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    let failuresInRow = 0
    let lastError: unknown
    for (const { item, resolve, reject } of batch) {
      if (failuresInRow === maxFailuresInRow) {
        reject(lastError)
        continue
      }
      try {
        const [result] = await this.#write([item])
        resolve(result as Result) // one result per item
        failuresInRow = 0
      } catch (error) {
        reject(error)
        lastError = error
        failuresInRow++
      }
    }
  }
}

import { PosthornError } from '../domain/error.ts'
import { afterTurns } from './turns.ts'

/** Writes a batch; answers in the order of the batch. */
export type WriteBatch<Item, Result> = (items: readonly Item[]) => Promise<readonly Result[]>

/** How items are batched. */
export interface BatcherOptions<Item> {
  /** The largest sum of sizes that is written at once; a single item may be larger. */
  readonly maxSize: number
  /** How much of a batch an item takes; 1 unless given. */
  readonly sizeOf?: (item: Item) => number
  /**
   * Whether the write is work of this thread, as on a storage in memory or on this machine's disk. Then each batch waits for a few turns of
   * the event loop ({@link afterTurns}): what is to be sent goes out first, so that its receiver works meanwhile, more comes together, and the
   * batches of several batchers share a commit. Else the answer of the storage is wait enough, and only what comes in the turn of the
   * first item joins it. False unless given.
   */
  readonly isLocal?: boolean
  /** Where given, no two items with the same key are written at once: their answers could not be told apart. */
  readonly keyOf?: (item: Item) => string
}

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

// A few failures in a row that no item can be blamed for are a storage that is away.
const maxFailuresInRow = 3

/**
 * Groups concurrent writes without a timer: one write is under way, and whatever arrives meanwhile goes into the next. A batch that
 * fails is written one by one, so that a bad item fails alone; writes must therefore be safe to repeat.
 */
export class Batcher<Item, Result> {
  readonly #write: WriteBatch<Item, Result>
  readonly #maxSize: number
  readonly #sizeOf: (item: Item) => number
  readonly #keyOf: ((item: Item) => string) | undefined
  readonly #isLocal: boolean
  #waiting: Waiting<Item, Result>[] = []
  #isWriting = false

  constructor(write: WriteBatch<Item, Result>, options: BatcherOptions<Item>) {
    this.#write = write
    this.#maxSize = options.maxSize
    this.#sizeOf = options.sizeOf ?? (() => 1)
    this.#keyOf = options.keyOf
    this.#isLocal = options.isLocal ?? false
  }

  /** Writes an item with the next batch. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => this.push(item, resolve, reject))
  }

  /** As {@link add}, for who has a promise of his own already. */
  push(item: Item, resolve: (result: Result) => void, reject: (error: unknown) => void): void {
    this.#waiting.push({ item, resolve, reject })
    if (this.#isWriting) return
    this.#isWriting = true
    // At least what comes in the same turn of the event loop joins the first batch: all answers that one poll of the sockets brings.
    const begin = () => void this.#writeAll()
    if (this.#isLocal) afterTurns(begin)
    else setImmediate(begin)
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#writeBatch(this.#takeBatch())
      if (this.#isLocal && this.#waiting.length > 0) await new Promise<void>((go) => afterTurns(go))
    }
    this.#isWriting = false
  }

  #takeBatch(): readonly Waiting<Item, Result>[] {
    const count = this.#countThatFits()
    if (count < this.#waiting.length) return this.#waiting.splice(0, count)
    const all = this.#waiting
    this.#waiting = []
    return all
  }

  #countThatFits(): number {
    let size = 0
    let count = 0
    const keys = new Set<string>()
    for (const { item } of this.#waiting) {
      size += this.#sizeOf(item)
      if (count > 0 && size > this.#maxSize) break
      if (this.#keyOf !== undefined) keys.add(this.#keyOf(item))
      if (this.#keyOf !== undefined && keys.size === count) break
      count++
    }
    return count
  }

  async #writeBatch(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#write(batch.map(({ item }) => item))
      batch.forEach(({ resolve }, index) => resolve(results[index] as Result)) // one result per item
    } catch (error) {
      if (batch.length === 1 || isAway(error)) for (const { reject } of batch) reject(error)
      else await this.#writeOneByOne(batch)
    }
  }

  async #writeOneByOne(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    let failuresInRow = 0
    for (const { item, resolve, reject } of batch) {
      if (failuresInRow === maxFailuresInRow) {
        reject(
          new PosthornError(
            'STORAGE_FAILED',
            'The storage failed several writes in a row, and this one was not tried.',
          ),
        )
        continue
      }
      try {
        const [result] = await this.#write([item])
        resolve(result as Result) // one result per item
        failuresInRow = 0
      } catch (error) {
        reject(error)
        if (isOfStorage(error)) failuresInRow++
      }
    }
  }
}

// Each of them would wait for an answer that does not come.
function isAway(error: unknown): boolean {
  return error instanceof PosthornError && error.code === 'STORAGE_UNAVAILABLE'
}

// An error of ours about the item itself says nothing about the next one.
function isOfStorage(error: unknown): boolean {
  return !(error instanceof PosthornError) || error.code.startsWith('STORAGE_')
}

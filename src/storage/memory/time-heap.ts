/** A value's place in a {@link TimeHeap}; by it the value is found again. */
export interface HeapEntry<T> {
  readonly value: T
  readonly atMs: number
  /** Keeps what falls on the same instant in the order in which it came. */
  readonly sequence: number
  index: number
}

/** Values by instant, earliest first; adding and removing cost O(log n). */
export class TimeHeap<T> {
  readonly #entries: HeapEntry<T>[] = []
  #sequence = 0

  get size(): number {
    return this.#entries.length
  }

  get first(): HeapEntry<T> | undefined {
    return this.#entries[0]
  }

  add(value: T, atMs: number): HeapEntry<T> {
    const entry = { value, atMs, sequence: this.#sequence++, index: this.#entries.length }
    this.#entries.push(entry)
    this.#rise(entry)
    return entry
  }

  remove(entry: HeapEntry<T>): void {
    const last = this.#entries.pop()
    if (last === undefined || last === entry) return
    this.#set(last, entry.index)
    this.#rise(last)
    this.#sink(last)
  }

  /** The first ones, at most `most`, of what falls on `untilMs` or before: O(most · log most), whatever there is. */
  earliest(most: number, untilMs: number): T[] {
    const values: T[] = []
    const open = new TimeHeap<HeapEntry<T>>()
    const look = (index: number) => {
      const entry = this.#entries[index]
      if (entry !== undefined && entry.atMs <= untilMs) open.add(entry, entry.atMs)
    }
    look(0)
    for (let { first } = open; first !== undefined && values.length < most; first = open.first) {
      const { value, index } = first.value
      open.remove(first)
      values.push(value)
      look(2 * index + 1)
      look(2 * index + 2)
    }
    return values
  }

  /** Counts what falls on `nowMs` or before, without a look at what comes later. */
  countUntil(nowMs: number): number {
    let count = 0
    const open = [0]
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      const entry = this.#entries[index]
      if (entry === undefined || entry.atMs > nowMs) continue
      count++
      open.push(2 * index + 1, 2 * index + 2)
    }
    return count
  }

  #rise(entry: HeapEntry<T>): void {
    while (entry.index > 0) {
      const parentIndex = (entry.index - 1) >> 1
      const parent = this.#entries[parentIndex]
      if (parent === undefined || !isBefore(entry, parent)) return
      this.#set(parent, entry.index)
      this.#set(entry, parentIndex)
    }
  }

  #sink(entry: HeapEntry<T>): void {
    for (;;) {
      const left = this.#entries[2 * entry.index + 1]
      const right = this.#entries[2 * entry.index + 2]
      const child = left !== undefined && right !== undefined && isBefore(right, left) ? right : left
      if (child === undefined || !isBefore(child, entry)) return
      const childIndex = child.index
      this.#set(child, entry.index)
      this.#set(entry, childIndex)
    }
  }

  #set(entry: HeapEntry<T>, index: number): void {
    entry.index = index
    this.#entries[index] = entry
  }
}

function isBefore<T>(one: HeapEntry<T>, other: HeapEntry<T>): boolean {
  return one.atMs === other.atMs ? one.sequence < other.sequence : one.atMs < other.atMs
}

/** A row that a listing can show. */
export interface ListedRow {
  readonly id: string
  /** Set before the row leaves its lists. */
  isRemoved: boolean
}

/**
 * Rows by id. Ids grow with time, so a new row goes to the end; a removed one stays as a marked gap until the gaps are a
 * quarter and are closed together, which makes adding and removing O(1) over time.
 */
export class SortedRows<T extends ListedRow> {
  #rows: T[] = []
  #gapCount = 0

  get size(): number {
    return this.#rows.length - this.#gapCount
  }

  add(row: T): void {
    const index = indexAfter(this.#rows, row.id)
    if (index === this.#rows.length) this.#rows.push(row)
    else this.#rows.splice(index, 0, row)
  }

  /** Finds a row by its id; at once where it would be the newest. */
  find(id: string): T | undefined {
    for (let index = indexFrom(this.#rows, id); ; index++) {
      const row = this.#rows[index]
      if (row?.id !== id) return undefined
      // The gap of one that was removed may stand before another with its id.
      if (!row.isRemoved) return row
    }
  }

  noteRemoval(): void {
    this.#gapCount++
    if (this.#gapCount < 64 || this.#gapCount * 4 < this.#rows.length) return
    // A new array: a walk that is under way goes on over the old one.
    this.#rows = this.#rows.filter((row) => !row.isRemoved)
    this.#gapCount = 0
  }

  /** Walks the rows after `cursor`, or all of them. */
  *walk(cursor: string | null, order: 'asc' | 'desc'): Generator<T> {
    const rows = this.#rows
    const step = order === 'asc' ? 1 : -1
    let index = order === 'asc' ? 0 : rows.length - 1
    if (cursor !== null) index = order === 'asc' ? indexAfter(rows, cursor) : indexFrom(rows, cursor) - 1
    for (let row = rows[index]; row !== undefined; row = rows[(index += step)]) {
      if (!row.isRemoved) yield row
    }
  }
}

/** Sorted rows of several owners: tenants, or webhooks. */
export class RowIndex<T extends ListedRow> {
  readonly #lists = new Map<string, SortedRows<T>>()

  add(owner: string, row: T): void {
    let list = this.#lists.get(owner)
    if (list === undefined) this.#lists.set(owner, (list = new SortedRows()))
    list.add(row)
  }

  find(owner: string, id: string): T | undefined {
    return this.#lists.get(owner)?.find(id)
  }

  noteRemoval(owner: string): void {
    const list = this.#lists.get(owner)
    list?.noteRemoval()
    if (list?.size === 0) this.#lists.delete(owner)
  }

  walk(owner: string, cursor: string | null, order: 'asc' | 'desc'): Iterable<T> {
    return this.#lists.get(owner)?.walk(cursor, order) ?? []
  }
}

/** The index of the first row whose id is above `id`. */
function indexAfter(rows: readonly ListedRow[], id: string): number {
  return search(rows, (rowId) => rowId > id)
}

/** The index of the first row whose id is `id` or above. */
function indexFrom(rows: readonly ListedRow[], id: string): number {
  return search(rows, (rowId) => rowId >= id)
}

// From the end in steps that double: what is looked for when rows are added is among the newest.
function search(rows: readonly ListedRow[], isBeyond: (id: string) => boolean): number {
  let low = rows.length
  let high = rows.length
  for (let step = 1; low > 0 && isBeyond(rows[low - 1]?.id ?? ''); step *= 2) {
    high = low - 1
    low = Math.max(0, low - step)
  }
  while (low < high) {
    const middle = (low + high) >> 1
    if (isBeyond(rows[middle]?.id ?? '')) high = middle
    else low = middle + 1
  }
  return low
}

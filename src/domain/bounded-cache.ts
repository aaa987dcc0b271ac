/**
 * Keeps up to a number of entries. For one more, one at random goes: webhooks are served in turn, so that the oldest one, or the one that
 * was used longest ago, is the very one that is needed next, and of a few more than there is room for none would ever be found.
 */
export class BoundedCache<Value> {
  readonly #most: number
  readonly #random: () => number
  readonly #entries = new Map<string, Entry<Value>>()
  /** The names, each at its entry's place: one of them at random is found at once. */
  readonly #names: string[] = []

  /** `most` is the number of entries, from 1; `random` gives numbers from 0 to below 1. */
  constructor(most: number, random: () => number = Math.random) {
    this.#most = most
    this.#random = random
  }

  /** How many entries there are. */
  get size(): number {
    return this.#names.length
  }

  /** What is kept under a name. */
  get(name: string): Value | undefined {
    return this.#entries.get(name)?.value
  }

  /** Keeps a value in place of what there was. */
  set(name: string, value: Value): void {
    const entry = this.#entries.get(name)
    if (entry !== undefined) {
      entry.value = value
      return
    }
    if (this.size === this.#most) this.delete(this.#names[Math.floor(this.#random() * this.size)] ?? '')
    this.#entries.set(name, { value, place: this.size })
    this.#names.push(name)
  }

  /** Forgets what is kept under a name. */
  delete(name: string): void {
    const entry = this.#entries.get(name)
    const last = this.#names.at(-1)
    if (entry === undefined || last === undefined) return
    // The last one takes its place.
    this.#names[entry.place] = last
    const moved = this.#entries.get(last)
    if (moved !== undefined) moved.place = entry.place
    this.#names.pop()
    this.#entries.delete(name)
  }
}

interface Entry<Value> {
  value: Value
  place: number
}

/** What was to be dispatched, and what was accepted: what a sender has told of as such. */
export class Ledger {
  readonly #accepted = new Map<number, string>()
  readonly #open: number[]

  constructor(events: number) {
    this.#open = Array.from({ length: events }, (_, n) => n)
  }

  /** The ids of the events that were accepted, by number. */
  get accepted(): ReadonlyMap<number, string> {
    return this.#accepted
  }

  /** How many are neither accepted nor handed out. */
  get open(): number {
    return this.#open.length
  }

  /** Hands out the numbers of up to `count` events. */
  take(count: number): number[] {
    return this.#open.splice(0, Math.ceil(count))
  }

  /** Takes back what was handed out and not accepted. */
  giveBack(numbers: readonly number[]): void {
    this.#open.unshift(...numbers.filter((n) => !this.#accepted.has(n)))
  }

  accept(n: number, id: string): void {
    this.#accepted.set(n, id)
  }
}

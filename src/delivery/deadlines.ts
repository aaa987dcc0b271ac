/** What can be given up. */
interface Abortable {
  abort(): void
}

/**
 * Gives up what takes longer than a time that is the same for all, by one timer: what began first is due first. A timer of its own for
 * each request costs as much as the rest of what is kept about it.
 */
export class Deadlines<Work extends Abortable> {
  readonly #timeoutMs: number
  /** What is under way and when it is due, on the monotonic clock; in the order in which it began. */
  readonly #dueAt = new Map<Work, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  /** Begins to count. `startedAt` is no earlier than that of what was added before. */
  add(work: Work, startedAt: number): void {
    this.#dueAt.set(work, startedAt + this.#timeoutMs)
    if (this.#timer === undefined) this.#wait(this.#timeoutMs)
  }

  /** Ends to count. False where it was given up before. */
  remove(work: Work): boolean {
    const wasUnderWay = this.#dueAt.delete(work)
    if (this.#dueAt.size === 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    return wasUnderWay
  }

  /** Forgets what is under way, and returns it. */
  removeAll(): Work[] {
    const works = [...this.#dueAt.keys()]
    for (const work of works) this.remove(work)
    return works
  }

  // No unref: somebody waits for each of them.
  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#expire(), Math.ceil(ms))
  }

  #expire(): void {
    this.#timer = undefined
    const now = performance.now()
    for (const [work, dueAt] of this.#dueAt) {
      // A timer may be up to a millisecond early.
      if (dueAt - now >= 1) return this.#wait(dueAt - now)
      this.#dueAt.delete(work)
      work.abort()
    }
  }
}

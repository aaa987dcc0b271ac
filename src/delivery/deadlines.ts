import { LinkedList, type LinkedNode } from '../domain/linked-list.ts'

/** What can be given up. */
interface Abortable {
  abort(): void
}

/** One work that is under way. */
export interface Deadline<Work> {
  readonly work: Work
  /** On the monotonic clock. */
  readonly dueAt: number
  isOver: boolean
}

/**
 * Gives up what takes longer than a time that is the same for all, by one timer: what began first is due first. A timer of its own for
 * each request costs as much as the rest of what is kept about it.
 */
export class Deadlines<Work extends Abortable> {
  readonly #timeoutMs: number
  /** In the order in which they began. No Map: each table that it has outgrown refers to the next, so V8 keeps all that ever stood in them. */
  readonly #underWay = new LinkedList<Deadline<Work>>()
  #timer: NodeJS.Timeout | undefined

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  /** Begins to count. `startedAt` is no earlier than that of what was added before. */
  add(work: Work, startedAt: number): LinkedNode<Deadline<Work>> {
    if (this.#timer === undefined) this.#wait(this.#timeoutMs)
    return this.#underWay.append({ work, dueAt: startedAt + this.#timeoutMs, isOver: false })
  }

  /** Ends to count. False where it was given up before. */
  remove(place: LinkedNode<Deadline<Work>>): boolean {
    const wasUnderWay = !place.value.isOver
    if (wasUnderWay) this.#end(place)
    if (this.#underWay.size === 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    return wasUnderWay
  }

  /** Forgets what is under way, and returns it. */
  removeAll(): Work[] {
    const works = this.#underWay.values().map(({ work }) => work)
    for (let { first } = this.#underWay; first !== null; first = this.#underWay.first) this.remove(first)
    return works
  }

  #end(place: LinkedNode<Deadline<Work>>): void {
    place.value.isOver = true
    this.#underWay.remove(place)
  }

  // No unref: somebody waits for each of them.
  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#expire(), Math.ceil(ms))
  }

  #expire(): void {
    this.#timer = undefined
    const now = performance.now()
    for (let { first } = this.#underWay; first !== null; first = this.#underWay.first) {
      const { work, dueAt } = first.value
      // A timer may be up to a millisecond early.
      if (dueAt - now >= 1) return this.#wait(dueAt - now)
      this.#end(first)
      work.abort()
    }
  }
}

/** A value's place in a {@link LinkedList}. */
export interface LinkedNode<T> {
  readonly value: T
  previous: LinkedNode<T> | null
  next: LinkedNode<T> | null
}

/** A queue from whose middle values can leave: every step costs O(1). */
export class LinkedList<T> {
  #first: LinkedNode<T> | null = null
  #last: LinkedNode<T> | null = null
  #size = 0

  get first(): LinkedNode<T> | null {
    return this.#first
  }

  get size(): number {
    return this.#size
  }

  append(value: T): LinkedNode<T> {
    const node: LinkedNode<T> = { value, previous: this.#last, next: null }
    if (this.#last === null) this.#first = node
    else this.#last.next = node
    this.#last = node
    this.#size++
    return node
  }

  remove(node: LinkedNode<T>): void {
    if (node.previous === null) this.#first = node.next
    else node.previous.next = node.next
    if (node.next === null) this.#last = node.previous
    else node.next.previous = node.previous
    // What has left keeps nothing alive: V8 takes what an old dead object refers to for alive, and that would be all that came after it.
    node.previous = null
    node.next = null
    this.#size--
  }

  values(): T[] {
    const values: T[] = []
    for (let node = this.#first; node !== null; node = node.next) values.push(node.value)
    return values
  }
}

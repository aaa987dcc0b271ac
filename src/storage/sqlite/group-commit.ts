// Five seconds, as long as the busy timeout is unless it is set.
const maxTries = 5000

/**
 * Commits what arrives in one turn of the event loop together: one transaction, one wait for the disk. A member that fails
 * takes nobody with it.
 */
export class GroupCommit {
  readonly #transaction: (work: () => void) => void
  readonly #isBlocked: () => boolean
  #members: Member[] = []

  /** @param transaction - runs `work` atomically, or throws having changed nothing */
  constructor(transaction: (work: () => void) => void, options: { readonly isBlocked: () => boolean }) {
    this.#transaction = transaction
    this.#isBlocked = options.isBlocked
  }

  /** Runs `work` in the next commit. It may run twice, the first time without effect. */
  add<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#members.push(member(work, resolve, reject))
      if (this.#members.length === 1) setImmediate(() => this.#flushWhenFree())
    })
  }

  /** Commits what has arrived, now. */
  flush(): void {
    const members = this.#members
    this.#members = []
    if (members.length === 0) return
    const failure = this.#commit(members)
    if (failure === null) return
    // Only a member's own failure tells nothing about the others: a lock that nobody gives up, or a full disk at the
    // commit, meets them all, and waiting for it once each would only hold up the process.
    const isOwn = members.length > 1 && failure.member !== null
    for (const one of members) {
      const own = isOwn ? this.#commit([one]) : failure
      if (own !== null) one.reject(own.error)
    }
  }

  // A transaction of the caller's is given a millisecond at a time; `flush` then says what happens where it stays open.
  #flushWhenFree(tries = 0): void {
    if (this.#isBlocked() && tries < maxTries) setTimeout(() => this.#flushWhenFree(tries + 1), 1)
    else this.flush()
  }

  #commit(members: readonly Member[]): Failure | null {
    let running: Member | null = null
    try {
      this.#transaction(() => {
        for (const one of members) {
          running = one
          one.run()
        }
        running = null
      })
    } catch (error) {
      return { error, member: running }
    }
    for (const one of members) one.resolve()
    return null
  }
}

interface Member {
  run(): void
  resolve(): void
  reject(error: unknown): void
}

interface Failure {
  readonly error: unknown
  /** Whose work failed, or null where the transaction itself did. */
  readonly member: Member | null
}

function member<T>(work: () => T, resolve: (result: T) => void, reject: (error: unknown) => void): Member {
  let result: T
  return {
    run: () => {
      result = work()
    },
    resolve: () => resolve(result),
    reject,
  }
}

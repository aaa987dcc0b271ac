import type { ClaimResult } from '../storage/storage.ts'
import type { DispatcherSettings } from './dispatcher-options.ts'
import type { Sweeper } from './sweeper.ts'
import type { Worker } from './worker.ts'

const firstPauseMs = 100
const longestPauseMs = 5000
// The quickest poll; it slows down to `pollIntervalMs` while nothing is found.
const firstPollMs = 25

interface IdleWaiter {
  readonly resolve: () => void
}

/**
 * Has a worker claim what is due, for as long as it has room.
 *
 * asleep ─wake | due | poll→ claiming ─room and work→ claiming …
 *                               └──no room or no work→ asleep
 *
 * With a sweeper, hints bring what is due: the poll sweeps, and claims are made only when it was woken, or hints are of no use:
 *
 * asleep ─poll→ sweeping ─woken | no hints→ claiming …
 *                  └────────────────→ asleep
 */
export class ClaimLoop {
  readonly #worker: Worker
  readonly #settings: DispatcherSettings
  readonly #onError: (error: unknown) => void
  readonly #sweeper: Sweeper | undefined
  readonly #idleWaiters = new Set<IdleWaiter>()
  #isStopped = false
  #isWoken = false
  #wakeSleeper: (() => void) | undefined
  #hasMore: boolean
  #isClaiming = false
  #pollMs = firstPollMs
  #sweepAt = -Infinity
  /** Whether the sweeper's loop is to claim: it was woken, or has not done with a claim. */
  #isToClaim = false

  constructor(worker: Worker, settings: DispatcherSettings, onError: (error: unknown) => void, sweeper?: Sweeper) {
    this.#worker = worker
    this.#settings = settings
    this.#onError = onError
    this.#sweeper = sweeper
    // What there is at the start, the first sweep tells others of.
    this.#hasMore = sweeper === undefined
  }

  /** Runs until {@link stop}. Never rejects: what storage throws is reported, and tried again after a pause. */
  async run(): Promise<void> {
    let pauseMs = firstPauseMs
    while (!this.#isStopped) {
      this.#isWoken = false
      try {
        await this.#sleep(await this.#look())
        pauseMs = firstPauseMs
      } catch (error) {
        this.#onError(error)
        await this.#sleep(pauseMs * (1 + this.#settings.random()))
        pauseMs = Math.min(pauseMs * 2, longestPauseMs)
      }
    }
  }

  /** Ends the loop after the claim that is under way. */
  stop(): void {
    this.#isStopped = true
    this.wake()
  }

  /** Looks for work now. */
  wake(): void {
    this.#isWoken = true
    this.#isToClaim = true
    this.#wakeSleeper?.()
  }

  /** Tells that there is room, and whether a delivery that could not be claimed may be claimable now. */
  onFree(hasFreedWork: boolean): void {
    if (hasFreedWork) this.#hasMore = true
    // A claim that is under way speaks for all the room there is.
    const hasRoom = this.#worker.isHungry || this.#isClaiming
    if ((this.#hasMore && hasRoom) || this.#idleWaiters.size > 0) this.wake()
  }

  /** Tells that something may be due that cannot be claimed yet: whoever leaves next has to look. */
  expectMore(): void {
    this.#hasMore = true
  }

  /** Resolves when a claim that began after this call found nothing and nothing is under way; forgotten when `signal` is aborted. */
  idle(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiter = { resolve }
      this.#idleWaiters.add(waiter)
      signal.addEventListener('abort', () => this.#idleWaiters.delete(waiter), { once: true })
      this.wake()
    })
  }

  // Returns how long to sleep, in milliseconds.
  async #look(): Promise<number> {
    if (this.#sweeper === undefined) return await this.#claimOnce()
    if ((await this.#sweeper.isPaused()) || this.#isStopped) return this.#nextPollMs()
    if (performance.now() >= this.#sweepAt) await this.#sweep(this.#sweeper)
    const isToClaim = this.#isToClaim || this.#idleWaiters.size > 0
    return Math.min(isToClaim ? await this.#claimOnce() : Infinity, this.#sweepAt - performance.now())
  }

  async #sweep(sweeper: Sweeper): Promise<void> {
    const { hasFound, isUpToClaims } = await sweeper.sweep()
    this.#sweepAt = performance.now() + this.#nextPollMs()
    // Whoever leaves next fills its place without waiting for hints.
    if (hasFound) this.#hasMore = true
    if (isUpToClaims) this.#isToClaim = true
  }

  async #claimOnce(): Promise<number> {
    if (!this.#worker.isHungry) {
      // Woken while there was enough to do: whoever leaves next has to look.
      this.#isToClaim = false
      this.#hasMore = true
      return this.#nextPollMs()
    }
    // What ends in this turn of the event loop makes room for the same claim.
    await new Promise((resolve) => setImmediate(resolve))
    const limit = this.#worker.claimRoom
    if (limit === 0 || this.#isStopped) return 0
    const waiters = [...this.#idleWaiters]
    const result = await this.#claim(limit)
    // Beside a webhook that is full there are no hints left: where several processes share its places, none of them may leave one empty.
    const isSweeping = this.#sweeper !== undefined && result.claimed.length > 0
    if (isSweeping || result.claimed.length === limit || result.nextDueInMs === 0) this.#hasMore = true
    if (result.claimed.length === 0 && result.nextDueInMs !== 0 && this.#worker.isIdle) this.#tellIdle(waiters)
    return this.#sleepMs(result)
  }

  async #claim(limit: number): Promise<ClaimResult> {
    // What is freed from here on, the claim may have looked at before.
    this.#hasMore = false
    this.#isToClaim = false
    this.#isClaiming = true
    try {
      return await this.#worker.claim(limit)
    } catch (error) {
      this.#isToClaim = true
      throw error
    } finally {
      this.#isClaiming = false
    }
  }

  #tellIdle(waiters: readonly IdleWaiter[]): void {
    for (const waiter of waiters) {
      this.#idleWaiters.delete(waiter)
      waiter.resolve()
    }
  }

  #sleepMs({ claimed, nextDueInMs }: ClaimResult): number {
    if (claimed.length > 0) this.#pollMs = firstPollMs
    // Storage stopped at a bound of its own; a claim that got nothing must not spin.
    if (nextDueInMs === 0) {
      this.#isToClaim = true
      return claimed.length > 0 ? 0 : 5
    }
    // What comes due has a hint of its own, which a sweeper does not try to be ahead of.
    return Math.min(this.#sweeper === undefined ? (nextDueInMs ?? Infinity) : Infinity, this.#nextPollMs())
  }

  // Others write to this storage without waking this loop: other processes, other dispatchers, the owner who changes a webhook's cap.
  // Spread, so that they do not all ask at once.
  #nextPollMs(): number {
    const { pollIntervalMs } = this.#settings
    this.#pollMs = this.#sweeper === undefined ? Math.min(this.#pollMs * 2, pollIntervalMs) : pollIntervalMs
    return this.#pollMs * (0.75 + this.#settings.random() / 2)
  }

  // Not unref'ed: a process that only delivers lives until it is told to stop (decision 007).
  async #sleep(ms: number): Promise<void> {
    if (this.#isWoken || this.#isStopped || ms <= 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.ceil(ms))
      this.#wakeSleeper = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wakeSleeper = undefined
  }
}

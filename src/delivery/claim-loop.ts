import type { Claimed, Storage } from '../storage/storage.ts'
import type { DispatcherSettings } from './dispatcher-options.ts'
import type { RoundResult } from './deliver.ts'
import type { Worker } from './worker.ts'

const firstPauseMs = 100
const longestPauseMs = 5000
// setTimeout cannot hold more than 2^31 - 1 ms; looking once a minute costs nothing.
const longestSleepMs = 60_000

/**
 * Claims what is due and gives it to a worker, for as long as the worker has room.
 *
 * asleep ─wake | due | poll→ claiming ─room and work→ claiming …
 *                               └──no room or no work→ asleep
 */
export class ClaimLoop {
  readonly #storage: Storage
  readonly #worker: Worker
  readonly #settings: DispatcherSettings
  readonly #onError: (error: unknown) => void
  #isStopped = false
  #isWoken = false
  #wakeSleeper: (() => void) | undefined
  #hasMore = true
  #idleWaiters: (() => void)[] = []

  constructor(storage: Storage, worker: Worker, settings: DispatcherSettings, onError: (error: unknown) => void) {
    this.#storage = storage
    this.#worker = worker
    this.#settings = settings
    this.#onError = onError
  }

  /** Runs until {@link stop}. Never rejects: what storage throws is reported, and tried again after a pause. */
  async run(): Promise<void> {
    let pauseMs = firstPauseMs
    while (!this.#isStopped) {
      this.#isWoken = false
      try {
        await this.#sleep(await this.#claimOnce())
        pauseMs = firstPauseMs
      } catch (error) {
        this.#onError(error)
        await this.#sleep(pauseMs * (1 + this.#settings.random()))
        pauseMs = Math.min(pauseMs * 2, longestPauseMs)
      }
    }
    this.#idleWaiters.splice(0).forEach((resolve) => resolve())
  }

  /** Ends the loop after the claim that is under way. */
  stop(): void {
    this.#isStopped = true
    this.wake()
  }

  /** Looks for work now. */
  wake(): void {
    this.#isWoken = true
    this.#wakeSleeper?.()
  }

  /** Tells that there is room, and whether a delivery that could not be claimed may be claimable now. */
  onFree(hasFreedWork: boolean): void {
    if (hasFreedWork || this.#hasMore || this.#idleWaiters.length > 0) this.wake()
  }

  /** Resolves when a claim that began after this call found nothing and no round is under way. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve)
      this.wake()
    })
  }

  // Returns how long to sleep, in milliseconds.
  async #claimOnce(): Promise<number> {
    const limit = this.#worker.free
    if (limit === 0) {
      // Woken while there was no room: whoever leaves next has to look.
      this.#hasMore = true
      return longestSleepMs
    }
    const waiters = this.#idleWaiters.splice(0)
    let isIdle = false
    try {
      const { claimed, nextDueInMs } = await this.#storage.claim({ limit, leaseMs: this.#settings.leaseMs })
      for (const each of claimed) void this.#worker.begin(each)
      this.#hasMore = claimed.length === limit || nextDueInMs === 0
      isIdle = claimed.length === 0 && nextDueInMs !== 0 && this.#worker.isIdle
      return this.#sleepMs(claimed, nextDueInMs)
    } finally {
      if (isIdle) waiters.forEach((resolve) => resolve())
      else this.#idleWaiters.push(...waiters)
    }
  }

  #sleepMs(claimed: readonly Claimed[], nextDueInMs: number | null): number {
    // Storage stopped at a bound of its own; a claim that got nothing must not spin.
    if (nextDueInMs === 0) return claimed.length > 0 ? 0 : 5
    const untilDue = Math.min(nextDueInMs ?? longestSleepMs, longestSleepMs)
    if (this.#storage.capabilities.scope === 'process') return untilDue
    // Others write to this storage too, and do not wake this process. Spread, so that they do not all ask at once.
    return Math.min(untilDue, this.#settings.pollIntervalMs * (0.75 + this.#settings.random() / 2))
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#isWoken || this.#isStopped || ms <= 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.ceil(ms))
      timer.unref()
      this.#wakeSleeper = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wakeSleeper = undefined
  }
}

/** Claims once, makes the rounds of what it got, and waits for them. */
export async function claimAndDeliver(storage: Storage, worker: Worker, leaseMs: number): Promise<RoundResult[]> {
  const { claimed } = await storage.claim({ limit: Math.max(1, worker.free), leaseMs })
  return await Promise.all(claimed.map((each) => worker.begin(each)))
}

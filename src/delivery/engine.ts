import { PosthornError } from '../domain/error.ts'
import type { Storage } from '../storage/storage.ts'
import { ClaimLoop } from './claim-loop.ts'
import type { RoundResult } from './deliver.ts'
import type { DispatcherSettings } from './dispatcher-options.ts'
import { HintIntake } from './hint-intake.ts'
import type { Hints } from './hints.ts'
import type { LifecycleEmitter } from './lifecycle-emitter.ts'
import { Sweeper } from './sweeper.ts'
import { WakeUps } from './wake-ups.ts'
import type { HintSubscription } from './transport.ts'
import { Worker } from './worker.ts'

/** What one pass did. */
export interface Pass {
  /** The rounds that it made. */
  readonly results: readonly RoundResult[]
  /** Whether more may be due already. */
  readonly hasMore: boolean
}

/**
 * One life of a dispatcher's delivering: a worker, and a claim loop once it was started. After {@link stop} it is done for; the
 * dispatcher makes another.
 */
export class Engine {
  readonly #storage: Storage
  readonly #settings: DispatcherSettings
  readonly #lifecycle: LifecycleEmitter
  readonly #ended = new AbortController()
  readonly worker: Worker
  #loop: ClaimLoop | undefined
  #intake: HintIntake | undefined
  #subscription: HintSubscription | undefined
  #unwatch: (() => Promise<void>) | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #deadline: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined

  constructor(storage: Storage, settings: DispatcherSettings, lifecycle: LifecycleEmitter) {
    this.#storage = storage
    this.#settings = settings
    this.#lifecycle = lifecycle
    this.worker = new Worker(storage, settings, lifecycle, (hasFreedWork) => {
      this.#intake?.onFree()
      this.#loop?.onFree(hasFreedWork)
    })
  }

  /** Whether the claim loop runs. */
  get isStarted(): boolean {
    return this.#loop !== undefined && this.#stopping === undefined
  }

  /** Aborted once it was told to stop. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /**
   * Starts the claim loop once storage is open; with hints it takes these, and the loop sweeps. A failure is not kept; where it is
   * stopped meanwhile, nothing is started.
   */
  start(open: () => Promise<void>, hints?: Hints): Promise<void> {
    this.#starting ??= this.#start(open, hints).catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  /** Looks for work now. */
  wake(): void {
    this.#loop?.wake()
  }

  /** Claims once, up to the room there is, and makes the rounds of what it got. */
  async pass(): Promise<Pass> {
    // Storage that stops at a bound of its own says so with 0; a few looks get past what was in its way.
    for (let looks = 1; ; looks++) {
      // Somebody else may have been quicker to take what was free.
      while (this.#passRoom() === 0) await this.worker.oneEnded()
      const { claimed, nextDueInMs, rounds } = await this.worker.claim(this.#passRoom())
      const isInTheWay = claimed.length === 0 && nextDueInMs === 0 && looks < 1000
      if (isInTheWay) continue
      return { results: await Promise.all(rounds), hasMore: claimed.length > 0 }
    }
  }

  /** Resolves once nothing is due and nothing is under way; rejects with `DISPATCHER_STOPPED` where it is stopped first. */
  async drain(signal: AbortSignal): Promise<void> {
    await this.#starting
    const stopped = this.#ended.signal
    if (this.#loop !== undefined) return await this.#loop.idle(signal)
    while (!signal.aborted && !stopped.aborted) {
      const { hasMore } = await this.pass()
      if (hasMore) continue
      if (this.worker.isIdle) return
      await this.worker.settled()
    }
  }

  /** Stops; what is under way has `timeoutMs`. Called again, it may only be quicker. */
  stop(timeoutMs: number): Promise<void> {
    this.#expire(timeoutMs)
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  // A claim loop with a backlog keeps more than its concurrency at hand: nothing would ever be free beside it.
  #passRoom(): number {
    return this.isStarted ? Math.min(this.worker.room, this.#settings.concurrency) : this.worker.free
  }

  async #start(open: () => Promise<void>, hints: Hints | undefined): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#ended.signal.addEventListener('abort', () => resolve()))
    await Promise.race([open(), ended])
    if (this.#ended.signal.aborted) return
    const report = (error: unknown) => this.#lifecycle.emit('worker.error', { error, during: 'claim' })
    if (hints !== undefined) this.#subscribe(hints)
    const { pollIntervalMs } = this.#settings
    const sweeper = hints && new Sweeper(this.#storage, hints, pollIntervalMs, this.#ended.signal)
    this.#loop = new ClaimLoop(this.worker, this.#settings, report, sweeper)
    void this.#loop.run()
    this.#watch()
  }

  // Where storage tells of what others write, nobody has to wait for the next poll.
  #watch(): void {
    const wakeUps = new WakeUps(() => this.wake(), this.#settings.random, this.#ended.signal)
    this.#unwatch = this.#storage.watch?.({
      onWritten: () => wakeUps.tell(),
      onError: (error) => this.#lifecycle.emit('worker.error', { error, during: 'listen' }),
    })
  }

  #subscribe(hints: Hints): void {
    const intake = new HintIntake(this.worker, hints, this.#ended.signal, () => this.#loop?.expectMore())
    this.#subscription = hints.subscribe(this.#settings.concurrency, (deliveryId) => intake.receive(deliveryId))
    this.#intake = intake
  }

  async #stop(): Promise<void> {
    this.#ended.abort(new PosthornError('DISPATCHER_STOPPED', 'The dispatcher was stopped.'))
    this.#loop?.stop()
    this.#subscription?.end()
    this.worker.shutDown()
    await this.worker.close()
    await this.#subscription?.close()
    await this.#unwatch?.()
    clearTimeout(this.#deadline?.timer)
  }

  #expire(timeoutMs: number): void {
    const at = performance.now() + timeoutMs
    if (this.#deadline !== undefined && this.#deadline.at <= at) return
    clearTimeout(this.#deadline?.timer)
    this.#deadline = { at, timer: setTimeout(() => this.worker.abort(), timeoutMs) }
  }
}

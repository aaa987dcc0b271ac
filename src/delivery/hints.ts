import { within } from '../domain/within.ts'
import type { LifecycleEmitter } from './lifecycle-emitter.ts'
import type { Hint, HintPublisher, HintSubscription, Transport } from './transport.ts'

// What is kept while the transport is away; the sweeper finds the rest.
const maxBuffered = 10_000
const maxPerPublish = 500
const stuckAfterMs = 5_000
// How long hints that are still to be published may hold up a stop: the sweeper of another process finds the rest.
const flushMs = 1_000
// How long the sweeper waits for the transport before it delivers what it found itself.
const againWithinMs = 1_000
// How old an answer about a pause may be, and how long one may take.
const pauseKnownForMs = 1_000
const pauseAskedForMs = 1_000

/**
 * A dispatcher's end of its transport. Publishing is never waited for and never fails: the rows are committed, and hints only make them
 * found sooner. One publish is under way at a time, and what arrives meanwhile goes into the next.
 */
export class Hints {
  readonly #transport: Transport
  readonly #lifecycle: LifecycleEmitter
  readonly #held = new Map<string, () => void>()
  #publisher: HintPublisher | undefined
  #buffer: Hint[] = []
  #publishing: Promise<void> | undefined
  #publishingAgain: Promise<boolean> | undefined
  #pause = { isPaused: false, askedAt: -Infinity }

  constructor(transport: Transport, lifecycle: LifecycleEmitter) {
    this.#transport = transport
    this.#lifecycle = lifecycle
  }

  /** Publishes hints some time soon. */
  publish(hints: readonly Hint[]): void {
    this.#buffer.push(...hints.slice(-maxBuffered))
    if (this.#buffer.length > maxBuffered) this.#buffer.splice(0, this.#buffer.length - maxBuffered)
    if (this.#buffer.length > 0) this.#publishing ??= this.#publishAll().finally(() => (this.#publishing = undefined))
  }

  /** Whether what {@link publishAgain} was to publish is still under way. */
  get isStuck(): boolean {
    return this.#publishingAgain !== undefined
  }

  /** Publishes hints of deliveries that are overdue, until `ended`. Says whether the transport has taken them, within a second. */
  async publishAgain(deliveryIds: readonly string[], ended: AbortSignal): Promise<boolean> {
    const publishing = this.#publishRepeats(deliveryIds, ended).finally(() => (this.#publishingAgain = undefined))
    this.#publishingAgain = publishing
    const isTaken = await within(againWithinMs, publishing, null)
    if (isTaken === null) this.#report(new Error(awayMessage(this.#transport.name, againWithinMs)), 'publish again')
    return isTaken === true
  }

  /** Hands hints to `receive`, at most `concurrency` at once. Throws where the transport cannot work with its settings. */
  subscribe(concurrency: number, receive: (deliveryId: unknown) => Promise<string>): HintSubscription {
    return this.#transport.subscribe({ concurrency, receive, onError: this.#report })
  }

  /** Whether the transport was told to hold everything back. Where it does not answer, it was not. */
  async isPaused(): Promise<boolean> {
    if (performance.now() - this.#pause.askedAt < pauseKnownForMs) return this.#pause.isPaused
    const isPaused = await within(pauseAskedForMs, this.#askPaused(), false)
    this.#pause = { isPaused, askedAt: performance.now() }
    return isPaused
  }

  /** Resolves when a delivery that this process holds begins to wait for its next attempt; `end` forgets it. */
  held(deliveryId: string): { readonly waits: Promise<void>; end(): void } {
    const waits = new Promise<void>((resolve) => this.#held.set(deliveryId, resolve))
    return { waits, end: () => void this.#held.delete(deliveryId) }
  }

  /** Tells that a delivery waits for its next attempt, held by this process. */
  waits(deliveryId: string): void {
    this.#held.get(deliveryId)?.()
  }

  /** Publishes what is left, for a second, and gives up the connection. The next hint opens another. */
  async close(): Promise<void> {
    await within(flushMs, this.#publishing ?? Promise.resolve(), undefined)
    const publisher = this.#publisher
    // What is left would open another connection.
    this.#buffer = []
    this.#publisher = undefined
    await publisher?.close()
  }

  async #publishAll(): Promise<void> {
    // Whoever publishes in the same turn joins the first batch.
    await Promise.resolve()
    while (this.#buffer.length > 0) {
      const hints = this.#buffer.splice(0, maxPerPublish)
      const stuck = setTimeout(
        () => this.#report(new Error(awayMessage(this.#transport.name, stuckAfterMs)), 'publish'),
        stuckAfterMs,
      )
      try {
        await this.#connected().publish(hints)
      } catch (error) {
        this.#report(error, 'publish')
      } finally {
        clearTimeout(stuck)
      }
    }
  }

  async #publishRepeats(deliveryIds: readonly string[], ended: AbortSignal): Promise<boolean> {
    try {
      // After a stop it would open another connection.
      for (let start = 0; start < deliveryIds.length && !ended.aborted; start += maxPerPublish) {
        await this.#connected().publish(deliveryIds.slice(start, start + maxPerPublish).map(repeatOf))
      }
      return true
    } catch (error) {
      this.#report(error, 'publish again')
      return false
    }
  }

  #connected(): HintPublisher {
    this.#publisher ??= this.#transport.connect({ onError: this.#report })
    return this.#publisher
  }

  async #askPaused(): Promise<boolean> {
    try {
      return await this.#connected().isPaused()
    } catch (error) {
      this.#report(error, 'sweep')
      return false
    }
  }

  readonly #report = (error: unknown, during: string): void => {
    this.#lifecycle.emit('worker.error', { error, during: `${this.#transport.name}: ${during}` })
  }
}

// One key for each delivery: it is told of once, however many sweeps and processes find it.
function repeatOf(deliveryId: string): Hint {
  return { deliveryId, key: `${deliveryId}_sweep`, delayMs: 0, isRepeat: true }
}

function awayMessage(name: string, ms: number): string {
  return `The ${name} transport has not taken hints for ${ms} ms. Nothing is lost: the sweeper finds these deliveries.`
}

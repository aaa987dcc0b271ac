import { disableWebhook } from '../registry/disable.ts'
import type { Claimed, EnqueueResult, NewEvent, Storage } from '../storage/storage.ts'
import { deliver, type Pipeline, type RoundResult } from './deliver.ts'
import type { DispatcherSettings } from './dispatcher-options.ts'
import { Leases } from './leases.ts'
import type { LifecycleEmitter } from './lifecycle-emitter.ts'
import { createSender, type Sender } from './send.ts'
import { Settler } from './settler.ts'
import { Signatures } from './signatures.ts'
import { Slots } from './slots.ts'

// A round that waits between attempts costs a few kilobytes; past this multiple of the concurrency its wait is parked in storage.
const maxWaitingPerSlot = 4

/**
 * Holds claimed deliveries and makes their rounds, at most `concurrency` at a time, and accounts for what it holds. Where they come
 * from is not its affair: see {@link ClaimLoop}.
 */
export class Worker {
  readonly #storage: Storage
  readonly #settings: DispatcherSettings
  readonly #lifecycle: LifecycleEmitter
  readonly #shutdown = new AbortController()
  readonly #hardStop = new AbortController()
  readonly #sender: Sender
  readonly #leases: Leases
  readonly #pipeline: Pipeline
  readonly #rounds = new Set<Promise<RoundResult>>()
  readonly #watchers = new Map<string, (result: RoundResult) => void>()
  readonly #heldByWebhook = new Map<string, number>()
  #active = 0
  #waiting = 0
  #reserved = 0

  readonly #onFree: (hasFreedWork: boolean) => void

  /** `onFree` is told whenever there is room for a delivery, and whether one that could not be claimed before may be claimable now. */
  constructor(
    storage: Storage,
    settings: DispatcherSettings,
    lifecycle: LifecycleEmitter,
    onFree: (hasFreedWork: boolean) => void,
  ) {
    this.#onFree = onFree
    this.#storage = storage
    this.#settings = settings
    this.#lifecycle = lifecycle
    this.#sender = createSender(settings)
    this.#leases = new Leases(storage, settings.leaseMs, (error) => this.#report(error, 'renew'))
    const settler = new Settler(storage, {
      giveUpAfterMs: Math.max(settings.leaseMs, 30_000),
      hardStop: this.#hardStop.signal,
      onError: (error) => this.#report(error, 'settle'),
    })
    this.#pipeline = {
      sender: this.#sender,
      signatures: new Signatures(settings.schemes),
      slots: new Slots(settings.concurrency),
      leases: this.#leases,
      lifecycle,
      policyFor: settings.policyFor,
      userAgent: settings.userAgent,
      leaseMs: settings.leaseMs,
      clock: settings.clock,
      random: settings.random,
      shutdown: this.#shutdown.signal,
      settle: (settlement) => settler.settle(settlement),
      canWait: () => this.#waiting < settings.concurrency * maxWaitingPerSlot,
      onWaiting: (isWaiting) => this.#countWaiting(isWaiting),
      disableWebhook: (claimed) => this.#disableGone(claimed),
      gate: ({ webhook }, forMs) =>
        storage.gate(webhook.id, forMs).catch((error: unknown) => this.#report(error, `gating webhook ${webhook.id}`)),
    }
  }

  /** How many more deliveries can be begun now. */
  get free(): number {
    return Math.max(0, this.#settings.concurrency - this.#active - this.#reserved)
  }

  /** Whether no round is under way, waiting ones included. */
  get isIdle(): boolean {
    return this.#rounds.size === 0
  }

  /** Writes events and begins at once with up to `limit` of their deliveries. Says whether some were left. */
  async enqueue(events: readonly NewEvent[], limit: number): Promise<{ results: EnqueueResult[]; hasMore: boolean }> {
    this.#reserved += limit
    try {
      const claimFor = limit > 0 ? { claimFor: { leaseMs: this.#settings.leaseMs, limit } } : {}
      const { results, claimed } = await this.#storage.enqueue(events, claimFor)
      for (const each of claimed) void this.begin(each)
      const written = events.reduce((count, event) => count + event.deliveries.length, 0)
      return { results, hasMore: claimed.length < written }
    } finally {
      this.#reserved -= limit
    }
  }

  /** Makes the round of a claimed delivery. Never rejects. */
  begin(claimed: Claimed): Promise<RoundResult> {
    const { id } = claimed.webhook
    this.#leases.hold(claimed)
    this.#active++
    this.#heldByWebhook.set(id, (this.#heldByWebhook.get(id) ?? 0) + 1)
    const round = deliver(claimed, this.#pipeline)
      .catch((error: unknown): RoundResult => {
        this.#report(error, `delivery ${claimed.id}`)
        return { state: 'lost', attempt: null }
      })
      .then((result) => {
        this.#rounds.delete(round)
        this.#end(claimed, result)
        this.#watchers.get(claimed.id)?.(result)
        return result
      })
    this.#rounds.add(round)
    return round
  }

  /** Resolves with the next round of a delivery that ends here, or null after `timeoutMs`. */
  async watch(id: string, timeoutMs: number): Promise<RoundResult | null> {
    let timer: NodeJS.Timeout | undefined
    const result = await new Promise<RoundResult | null>((resolve) => {
      this.#watchers.set(id, resolve)
      timer = setTimeout(() => resolve(null), timeoutMs)
    })
    clearTimeout(timer)
    this.#watchers.delete(id)
    return result
  }

  /** Resolves when every round under way has ended. */
  async settled(): Promise<void> {
    while (this.#rounds.size > 0) await Promise.all(this.#rounds)
  }

  /** Lets requests under way end for `timeoutMs`, gives everything else back at once, then aborts what is left. */
  async stop(timeoutMs: number): Promise<void> {
    this.#shutdown.abort()
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<'timeout'>((resolve) => (timer = setTimeout(() => resolve('timeout'), timeoutMs)))
    const ended = await Promise.race([this.settled(), timeout])
    clearTimeout(timer)
    if (ended === 'timeout') {
      this.#hardStop.abort()
      this.#sender.abort()
      await this.settled()
    }
    await this.#sender.close()
  }

  #end(claimed: Claimed, result: RoundResult): void {
    const { id, maxInFlight } = claimed.webhook
    const held = this.#heldByWebhook.get(id) ?? 1
    if (held > 1) this.#heldByWebhook.set(id, held - 1)
    else this.#heldByWebhook.delete(id)
    this.#active--
    this.#leases.drop(claimed)
    const isFinal = result.state === 'succeeded' || result.state === 'failed'
    this.#onFree(held >= maxInFlight || !isFinal)
  }

  #countWaiting(isWaiting: boolean): void {
    this.#waiting += isWaiting ? 1 : -1
    this.#active -= isWaiting ? 1 : -1
    if (isWaiting) this.#onFree(false)
  }

  async #disableGone({ webhook }: Claimed): Promise<void> {
    const { id, tenantId } = webhook
    try {
      const now = new Date(this.#settings.clock())
      const disabled = await disableWebhook(this.#storage, id, tenantId, { reason: 'gone', now })
      if (disabled !== null) this.#lifecycle.emit('webhook.disabled', { webhookId: id, tenantId, reason: 'gone' })
    } catch (error) {
      // The next 410 tries again.
      this.#report(error, `disabling webhook ${id}`)
    }
  }

  #report(error: unknown, during: string): void {
    this.#lifecycle.emit('worker.error', { error, during })
  }
}

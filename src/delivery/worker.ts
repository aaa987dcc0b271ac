import { disableGone } from '../registry/disable.ts'
import type { EnqueueOptions } from '../storage/query.ts'
import type { Claimed, ClaimResult, Enqueued, NewEvent, Storage, StoredWebhook } from '../storage/storage.ts'
import { deliver, type Pipeline, type RoundResult } from './deliver.ts'
import type { DispatcherSettings } from './dispatcher-options.ts'
import { FreshWebhooks } from './fresh-webhooks.ts'
import { type Hold, Leases } from './leases.ts'
import type { LifecycleEmitter } from './lifecycle-emitter.ts'
import { createSender, type Sender } from './send.ts'
import { Settler } from './settler.ts'
import { Slots } from './slots.ts'

// What is held waits for its slot in memory, so that a claim is worth its statement: a few kilobytes each.
const maxClaimedPerSlot = 3
// Beyond what claims fill, so that a dispatch can lease what it writes while a claim is under way, and leaves it no more work.
const maxHeldPerSlot = maxClaimedPerSlot + 1
// A round that waits between attempts costs a few kilobytes; past this multiple of the concurrency its wait is parked in storage.
const maxWaitingPerSlot = 4
// How long storage may take to take back what was aborted, before the worker goes without knowing.
const graceMs = 5_000

/** What a run did. */
export interface RunResult {
  /** Deliveries it claimed. */
  readonly claimed: number
  /** Of these, succeeded. */
  readonly succeeded: number
  /** Of these, failed for good. */
  readonly failed: number
}

/** Holds claimed deliveries and makes their rounds, at most `concurrency` at a time, and accounts for what it holds. */
export class Worker {
  readonly #storage: Storage
  readonly #settings: DispatcherSettings
  readonly #lifecycle: LifecycleEmitter
  readonly #onFree: (hasFreedWork: boolean) => void
  readonly #shutdown = new AbortController()
  readonly #hardStop = new AbortController()
  readonly #sender: Sender
  readonly #leases: Leases
  readonly #pipeline: Pipeline
  readonly #endWaiters = new Set<() => void>()
  readonly #watchers = new Map<string, (result: RoundResult) => void>()
  readonly #heldByWebhook = new Map<string, number>()
  #claimed = 0
  #succeeded = 0
  #failed = 0
  /** Rounds under way, and calls to storage that may bring new ones. */
  #busy = 0
  #active = 0
  #waiting = 0
  #reserved = 0
  /**
   * Whether what was claimed last may have had holders that died, as when this process dies again and again: then nothing is held ahead, since what
   * only waits for its slot would be taken for what they died of.
   */
  #isWary = true

  /** `onFree` is told whenever there is room for a delivery, and whether one that could not be claimed before may be claimable now. */
  constructor(
    storage: Storage,
    settings: DispatcherSettings,
    lifecycle: LifecycleEmitter,
    onFree: (hasFreedWork: boolean) => void = () => {},
  ) {
    this.#storage = storage
    this.#settings = settings
    this.#lifecycle = lifecycle
    this.#onFree = onFree
    this.#sender = createSender(settings)
    this.#leases = new Leases(storage, settings.leaseMs, (error) => this.#report(error, 'renew'))
    this.#pipeline = this.#createPipeline()
  }

  /** How many more deliveries can be begun now. */
  get free(): number {
    return Math.max(0, this.#settings.concurrency - this.#active - this.#reserved)
  }

  /** How many more may be held: those beyond the concurrency wait for their slot. */
  get room(): number {
    return this.#roomOf(maxHeldPerSlot)
  }

  /** How many more a claim may bring. */
  get claimRoom(): number {
    return this.#roomOf(maxClaimedPerSlot)
  }

  /** Whether so much of what was held has left that a claim is worth its statement. */
  get isHungry(): boolean {
    const heldAhead = this.#isWary ? 0 : maxClaimedPerSlot - 1
    return this.claimRoom * 2 > this.#settings.concurrency * heldAhead
  }

  /** What it did so far. */
  get counts(): RunResult {
    return { claimed: this.#claimed, succeeded: this.#succeeded, failed: this.#failed }
  }

  /** Whether nothing is under way, waiting rounds included. */
  get isIdle(): boolean {
    return this.#busy === 0
  }

  /** Writes events and begins at once with up to `limit` of their deliveries. Says whether some were left. */
  async enqueue(
    events: readonly NewEvent[],
    limit: number,
    options: Pick<EnqueueOptions, 'ifMatched'> = {},
  ): Promise<Omit<Enqueued, 'claimed'> & { readonly hasMore: boolean }> {
    const written = events.reduce((count, event) => count + event.deliveries.length, 0)
    const claimable = this.#shutdown.signal.aborted ? 0 : Math.min(limit, written)
    try {
      return await this.#reserving(claimable, async () => {
        const claimFor = claimable > 0 ? { claimFor: { leaseMs: this.#settings.leaseMs, limit: claimable } } : {}
        const askedAt = performance.now()
        const { claimed, ...enqueued } = await this.#storage.enqueue(events, { ...options, ...claimFor })
        for (const each of claimed) void this.#begin(each, askedAt)
        return { ...enqueued, hasMore: claimed.length < written }
      })
    } finally {
      // A claim that found all room reserved has gone to sleep.
      if (claimable > 0) this.#onFree(false)
    }
  }

  /** Claims up to `limit` due deliveries, of `ids` where they are given, and makes their rounds. */
  async claim(
    limit: number,
    ids?: readonly string[],
  ): Promise<ClaimResult & { readonly rounds: Promise<RoundResult>[] }> {
    return await this.#reserving(limit, async () => {
      const askedAt = performance.now()
      const result = await this.#storage.claim({
        limit,
        leaseMs: this.#settings.leaseMs,
        ...(ids !== undefined && { ids }),
      })
      if (ids === undefined) this.#judge(result.claimed)
      return { ...result, rounds: result.claimed.map((each) => this.#begin(each, askedAt)) }
    })
  }

  /** Watches for the next round of a delivery that ends here; the result is null after `timeoutMs`. Must be ended. */
  watch(id: string, timeoutMs: number): { readonly result: Promise<RoundResult | null>; end(): void } {
    let timer: NodeJS.Timeout | undefined
    const result = new Promise<RoundResult | null>((resolve) => {
      this.#watchers.set(id, resolve)
      timer = setTimeout(() => resolve(null), timeoutMs)
    })
    const end = () => {
      clearTimeout(timer)
      this.#watchers.delete(id)
    }
    return { result, end }
  }

  /** Resolves when something that is under way has ended, and with it there may be room. */
  async oneEnded(): Promise<void> {
    if (this.#busy > 0) await new Promise<void>((resolve) => this.#endWaiters.add(resolve))
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#busy > 0) await this.oneEnded()
  }

  /** Gives back what waits, and begins nothing more. */
  shutDown(): void {
    this.#shutdown.abort()
  }

  /** Ends the requests under way; each delivery is given back. */
  abort(): void {
    this.#shutdown.abort()
    this.#hardStop.abort()
    this.#sender.abort()
  }

  /** Waits until everything was given back, for a few seconds after {@link abort}, and closes the connections. */
  async close(): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      if (this.#hardStop.signal.aborted) resolve()
      else this.#hardStop.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    const settled = this.settled()
    await Promise.race([settled, aborted])
    await Promise.race([settled, pause(graceMs)])
    this.abort()
    // What hangs even now keeps no lease from running out.
    this.#leases.end()
    await this.#sender.close()
  }

  #roomOf(perSlot: number): number {
    const most = this.#settings.concurrency * (this.#isWary ? 1 : perSlot)
    return Math.max(0, most - this.#active - this.#reserved)
  }

  // A holder that lives leaves no claim without an attempt. What was dispatched just now had no holder, and says nothing.
  #judge(claimed: readonly Claimed[]): void {
    if (claimed.length > 0) this.#isWary = claimed.some(({ claimCount }) => claimCount > 1)
  }

  async #begin(claimed: Claimed, askedAt: number): Promise<RoundResult> {
    const { id } = claimed.webhook
    const hold = this.#leases.hold(claimed, askedAt)
    this.#busy++
    this.#active++
    this.#heldByWebhook.set(id, (this.#heldByWebhook.get(id) ?? 0) + 1)
    let result: RoundResult
    try {
      result = await deliver(claimed, hold, this.#pipeline)
    } catch (error) {
      this.#report(error, `delivery ${claimed.id}`)
      result = { state: 'lost', attempt: null }
    }
    this.#end(claimed, hold, result)
    this.#count(result)
    this.#watchers.get(claimed.id)?.(result)
    this.#leave()
    return result
  }

  // Room that is spoken for while storage is asked.
  async #reserving<T>(count: number, work: () => Promise<T>): Promise<T> {
    this.#reserved += count
    this.#busy++
    try {
      return await work()
    } finally {
      this.#reserved -= count
      this.#leave()
    }
  }

  #leave(): void {
    this.#busy--
    if (this.#endWaiters.size === 0) return
    for (const tell of this.#endWaiters) tell()
    this.#endWaiters.clear()
  }

  #end(claimed: Claimed, hold: Hold, result: RoundResult): void {
    const { id, maxInFlight } = claimed.webhook
    const held = this.#heldByWebhook.get(id) ?? 1
    if (held > 1) this.#heldByWebhook.set(id, held - 1)
    else this.#heldByWebhook.delete(id)
    this.#active--
    this.#leases.drop(hold)
    const isFinal = result.state === 'succeeded' || result.state === 'failed'
    this.#onFree(held >= maxInFlight || !isFinal)
  }

  #count({ state }: RoundResult): void {
    this.#claimed++
    if (state === 'succeeded') this.#succeeded++
    if (state === 'failed') this.#failed++
  }

  #countWaiting(isWaiting: boolean): void {
    this.#waiting += isWaiting ? 1 : -1
    this.#active -= isWaiting ? 1 : -1
    if (isWaiting) this.#onFree(false)
  }

  #createPipeline(): Pipeline {
    const { leaseMs, concurrency, signatures, policyFor, userAgent, clock, random } = this.#settings
    const settler = new Settler(this.#storage, {
      giveUpAfterMs: Math.max(leaseMs, 30_000),
      hardStop: this.#hardStop.signal,
      onError: (error) => this.#report(error, 'settle'),
    })
    const fresh = new FreshWebhooks(this.#storage)
    return {
      sender: this.#sender,
      signatures,
      slots: new Slots(concurrency, this.#shutdown.signal),
      leases: this.#leases,
      lifecycle: this.#lifecycle,
      policyFor,
      userAgent,
      leaseMs,
      clock,
      random,
      shutdown: this.#shutdown.signal,
      settle: (settlement, tenantId) => settler.settle(settlement, tenantId),
      canWait: () => this.#waiting < concurrency * maxWaitingPerSlot,
      webhookNow: (claimed) => fresh.read(claimed.webhook),
      onWaiting: (isWaiting) => this.#countWaiting(isWaiting),
      disableWebhook: (called) => this.#disableGone(called),
      gate: (called, forMs) => this.#gate(called, forMs),
    }
  }

  // Not where the webhook has another URL by now: its receiver has asked for nothing.
  async #gate({ id, tenantId, url }: StoredWebhook, forMs: number): Promise<void> {
    try {
      const stored = await this.#storage.getWebhook(id, tenantId)
      if (stored?.url === url) await this.#storage.gate(id, forMs)
    } catch (error) {
      this.#report(error, `gating webhook ${id}`)
    }
  }

  async #disableGone(called: StoredWebhook): Promise<void> {
    const { id, tenantId } = called
    try {
      const isDisabled = await disableGone(this.#storage, called, new Date(this.#settings.clock()))
      if (isDisabled) this.#lifecycle.emit('webhook.disabled', { webhookId: id, tenantId, reason: 'gone' })
    } catch (error) {
      // The next 410 tries again.
      this.#report(error, `disabling webhook ${id}`)
    }
  }

  #report(error: unknown, during: string): void {
    this.#lifecycle.emit('worker.error', { error, during })
  }
}

function pause(ms: number): Promise<void> {
  // Nothing hangs on it but the wait itself.
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}

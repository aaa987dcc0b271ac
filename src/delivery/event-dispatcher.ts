import type { EventInputs, EventSchemas } from '../domain/catalogue.ts'
import type { Attempt, Delivery, DeliveryState, Page } from '../domain/delivery.ts'
import { PosthornError } from '../domain/error.ts'
import { testEventType } from '../domain/event-type.ts'
import type { LifecycleEvents, LifecycleListener } from '../domain/lifecycle.ts'
import { newId } from '../registry/id.ts'
import { assertKnown, tenantOf } from '../registry/scope.ts'
import type { TenantScope } from '../registry/scope.ts'
import type { WebhookRegistry } from '../registry/webhook-registry.ts'
import type { KnownMatch } from '../storage/query.ts'
import type { EnqueueResult, NewEvent, Storage } from '../storage/storage.ts'
import { Backlog } from './backlog.ts'
import type { RoundResult } from './deliver.ts'
import { DeliveryLog, type ListDeliveriesQuery } from './delivery-log.ts'
import { dispatcherSettings, type DispatcherSettings, type EventDispatcherOptions } from './dispatcher-options.ts'
import { Engine } from './engine.ts'
import { FanOut } from './fan-out.ts'
import { hintedStorage } from './hinted-storage.ts'
import { Hints } from './hints.ts'
import {
  Intake,
  type DispatchInput,
  type DispatchManyResult,
  type DispatchOptions,
  type DispatchResult,
  type TransactionScope,
} from './intake.ts'
import { LifecycleEmitter } from './lifecycle-emitter.ts'
import type { RunResult } from './worker.ts'

/** How a dispatcher stops. */
export interface StopOptions {
  /** How long requests under way may take to end before they are aborted, in milliseconds from 0 to an hour; 20,000 unless given. */
  readonly timeoutMs?: number
}

/** How long a call waits. */
export interface WaitOptions {
  /** Ends the wait; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** A delivery with what was tried. */
export interface DeliveryWithAttempts extends Delivery {
  /** The newest 200, first one first. */
  readonly attempts: readonly Attempt[]
}

/** What a test delivery met. */
export interface TestResult {
  /** The id of the `webhook.test` event. */
  readonly eventId: string
  /** The delivery, readable like any other. */
  readonly deliveryId: string
  /** `succeeded`, `failed`, or still `pending` because the webhook is busy or held back. */
  readonly state: DeliveryState
  /** The attempt that was made; null while pending. */
  readonly attempt: Attempt | null
}

/** How much one {@link EventDispatcher.runOnce} does. */
export interface RunOnceOptions {
  /**
   * Goes on claiming for this long, in milliseconds from 1 to an hour, or until nothing is due. Then waits for the next attempt are given back
   * to storage, and requests under way may end. Unless given, one claim is made and all of its rounds are waited for.
   */
  readonly budgetMs?: number
}

/**
 * Dispatches events to the webhooks that want them, and delivers: signs, sends, retries, records. Dispatching works without
 * {@link EventDispatcher.start}; delivering is done by whoever has started, or calls {@link EventDispatcher.runOnce}. Its
 * constructor does no I/O and starts no timers.
 *
 * created ─start→ running ─stop→ stopped ─start→ running …
 */
export class EventDispatcher<Schemas extends EventSchemas = EventSchemas> {
  readonly #registry: WebhookRegistry<Schemas>
  readonly #storage: Storage
  readonly #settings: DispatcherSettings
  readonly #lifecycle = new LifecycleEmitter()
  readonly #fanOut: FanOut
  readonly #intake: Intake
  readonly #log: DeliveryLog
  readonly #hints: Hints | undefined
  #engine: Engine | undefined
  readonly #engines = new Set<Engine>()

  /**
   * Creates a dispatcher.
   * @throws {TypeError} or {RangeError} naming the option that is wrong.
   */
  constructor(options: EventDispatcherOptions<Schemas>) {
    if (options?.registry?.storage === undefined || options.registry.addresses === undefined)
      throw new TypeError('EventDispatcher needs { registry }: pass a WebhookRegistry.')
    this.#settings = dispatcherSettings(options)
    this.#registry = options.registry
    const { transport } = this.#settings
    const { storage } = options.registry
    this.#hints = transport === undefined ? undefined : new Hints(transport, this.#lifecycle)
    this.#storage = this.#hints === undefined ? storage : hintedStorage(storage, this.#hints)
    this.#fanOut = new FanOut(this.#storage, options.registry.events, this.#settings)
    this.#log = new DeliveryLog(this.#storage)
    this.#intake = new Intake(this.#storage, {
      fanOut: this.#fanOut,
      backlog: new Backlog(this.#storage, this.#settings.maxPendingPerTenant),
      write: (events, ifMatched) => this.#write(events, ifMatched),
    })
  }

  /**
   * Accepts an event: resolves once it and its deliveries are durably written, before anything is sent.
   * @throws {PosthornError} `INVALID_EVENT` naming type and path; `IDEMPOTENCY_CONFLICT`; `QUEUE_FULL`; `TRANSACTIONS_UNSUPPORTED`;
   * `VALIDATION_FAILED` for wrong options.
   */
  async dispatch<Type extends keyof EventInputs<Schemas> & string>(
    type: Type,
    data: EventInputs<Schemas>[Type],
    options: DispatchOptions & TransactionScope = {},
  ): Promise<DispatchResult> {
    await this.#registry.open(scopeOf(options))
    return await this.#intake.one(type, data, options)
  }

  /**
   * Accepts several events in one write, all or nothing; results stand in the order of `events`.
   * @throws {PosthornError} `INVALID_EVENT` or `VALIDATION_FAILED` naming the event at fault; `QUEUE_FULL`; `TRANSACTIONS_UNSUPPORTED`. Then none
   * was written.
   */
  async dispatchMany(
    events: readonly DispatchInput<Schemas>[],
    options: TransactionScope = {},
  ): Promise<DispatchManyResult[]> {
    await this.#registry.open(scopeOf(options))
    return await this.#intake.many(events, options)
  }

  /** Begins to deliver, and keeps the process alive until {@link stop}. Safe to call again: the second call resolves with the first. */
  start(): Promise<void> {
    const engine = this.#current()
    return engine.start(() => this.#registry.open(), this.#hints)
  }

  /**
   * Stops to deliver: claims nothing more, gives back what waits, lets the requests under way end for `timeoutMs` (20,000 unless
   * given), then aborts them; what was aborted is delivered again by whoever runs next. Dispatching goes on working. Called again, it may
   * only be quicker.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    assertKnown(options, ['timeoutMs'])
    const timeoutMs = milliseconds('timeoutMs', options.timeoutMs ?? 20_000, 0)
    this.#engine = undefined
    await Promise.all(
      [...this.#engines].map((engine) => engine.stop(timeoutMs).finally(() => this.#engines.delete(engine))),
    )
    await this.#hints?.close()
  }

  /**
   * Resolves once nothing is due and nothing is under way in this process. Deliveries that wait for a later retry are not waited for.
   * @throws {PosthornError} `DISPATCHER_STOPPED` where it is stopped first; the signal's reason, where it is aborted first.
   */
  async drain(options: WaitOptions = {}): Promise<void> {
    assertKnown(options, ['signal'])
    options.signal?.throwIfAborted()
    await this.#registry.open()
    const engine = this.#current()
    await unlessAborted([options.signal, engine.ended], (over) => engine.drain(over))
  }

  /**
   * Claims what is due, up to the concurrency, delivers it, and resolves when that is done. For cron jobs, serverless functions and tests;
   * needs no start.
   */
  async runOnce(options: RunOnceOptions = {}): Promise<RunResult> {
    assertKnown(options, ['budgetMs'])
    await this.#registry.open()
    if (options.budgetMs !== undefined) return await this.#runFor(milliseconds('budgetMs', options.budgetMs, 1))
    const { results } = await this.#current().pass()
    const count = (state: DeliveryState) => results.filter((result) => result.state === state).length
    return { claimed: results.length, succeeded: count('succeeded'), failed: count('failed') }
  }

  /**
   * Sends a `webhook.test` event to one webhook, whatever it subscribes to, with a single attempt, and tells what it met.
   * @throws {PosthornError} `NOT_FOUND`, `WEBHOOK_DISABLED`; the signal's reason, where it is aborted first.
   */
  async test(webhookId: string, options: TenantScope & WaitOptions = {}): Promise<TestResult> {
    assertKnown(options, ['tenantId', 'signal'])
    const { signal, ...scope } = options
    signal?.throwIfAborted()
    const webhook = await this.#registry.get(webhookId, scope)
    if (!webhook.isActive) throw disabled(webhook.id)
    const data = { webhookId: webhook.id, message: 'This is a test of your webhook.' }
    const event = await this.#fanOut.write(testEventType, data, webhook.tenantId)
    const engine = this.#current()
    const deliveryId = newId()
    const watch = engine.worker.watch(deliveryId, this.#settings.timeoutMs + this.#settings.connectTimeoutMs)
    try {
      // Somebody waits for the answer: one more than the concurrency may be claimed, and waits for its slot.
      const deliveries = [{ id: deliveryId, webhookId: webhook.id }]
      const { hasMore } = await engine.worker.enqueue([{ ...event, deliveries }], 1)
      if (hasMore) engine.wake()
      const isClaimedByNobody = hasMore && !engine.isStarted
      const result = isClaimedByNobody ? null : await unlessAborted([signal], () => watch.result)
      return toTestResult(event.id, deliveryId, result)
    } finally {
      watch.end()
    }
  }

  /**
   * Delivers a final delivery once more, with a fresh allowance of attempts; the earlier ones stay on record.
   * @throws {PosthornError} `NOT_FOUND`; `CONFLICT` where it is still pending; `WEBHOOK_DISABLED`; `PAYLOAD_GONE`.
   */
  async resend(deliveryId: string, scope: TenantScope = {}): Promise<Delivery> {
    await this.#registry.open()
    const delivery = await this.#log.resendable(deliveryId, tenantOf(scope))
    const webhook = await this.#registry.get(delivery.webhookId, scope)
    if (!webhook.isActive) throw disabled(webhook.id)
    await this.#log.requeue(delivery)
    this.#engine?.wake()
    return await this.#log.get(deliveryId, delivery.tenantId)
  }

  /**
   * Lists deliveries, newest first unless `order` says otherwise.
   * @throws {PosthornError} `VALIDATION_FAILED`, `CURSOR_INVALID`.
   */
  async listDeliveries(query: ListDeliveriesQuery = {}): Promise<Page<Delivery>> {
    await this.#registry.open()
    return await this.#log.list(query)
  }

  /**
   * Reads a delivery with its newest 200 attempts, first one first; `storage.listAttempts` pages through more.
   * @throws {PosthornError} `NOT_FOUND`.
   */
  async getDelivery(deliveryId: string, scope: TenantScope = {}): Promise<DeliveryWithAttempts> {
    const tenantId = tenantOf(scope)
    await this.#registry.open()
    const delivery = await this.#log.get(deliveryId, tenantId)
    return { ...delivery, attempts: await this.#log.attempts(delivery) }
  }

  /**
   * Listens to one kind of lifecycle event; the function returned ends it. What a listener throws is reported as `worker.error` and stops
   * nothing.
   * @throws {TypeError} for a name that there is not, or what is no function.
   */
  on<Name extends keyof LifecycleEvents>(name: Name, listener: LifecycleListener<Name>): () => void {
    return this.#lifecycle.on(name, listener)
  }

  /** Stops, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #runFor(budgetMs: number): Promise<RunResult> {
    const engine = this.#newEngine()
    await engine.start(() => this.#registry.open())
    let timer: NodeJS.Timeout | undefined
    const isSpent = new Promise<void>((resolve) => (timer = setTimeout(resolve, budgetMs)))
    try {
      await unlessAborted([engine.ended], (over) => Promise.race([engine.drain(over), isSpent]))
    } finally {
      clearTimeout(timer)
      await engine.stop(this.#settings.timeoutMs).finally(() => this.#engines.delete(engine))
    }
    return engine.worker.counts
  }

  #current(): Engine {
    this.#engine ??= this.#newEngine()
    return this.#engine
  }

  #newEngine(): Engine {
    const engine = new Engine(this.#storage, this.#settings, this.#lifecycle)
    this.#engines.add(engine)
    return engine
  }

  // While started, what is dispatched here is begun here at once, unless hints say where. Null where it is stale, see WriteEvents.
  async #write(
    events: readonly NewEvent[],
    ifMatched?: readonly KnownMatch[],
  ): Promise<readonly EnqueueResult[] | null> {
    const engine = this.#engine
    const known = ifMatched === undefined ? {} : { ifMatched }
    if (engine === undefined || !engine.isStarted || this.#hints !== undefined) {
      const { results, isStale } = await this.#storage.enqueue(events, known)
      return isStale === true ? null : results
    }
    const { results, hasMore, isStale } = await engine.worker.enqueue(events, engine.worker.room, known)
    if (isStale === true) return null
    if (hasMore) engine.wake()
    return results
  }
}

// What the options are is checked later.
function scopeOf(options: TransactionScope | undefined): TransactionScope {
  return options?.tx === undefined ? {} : { tx: options.tx }
}

function toTestResult(eventId: string, deliveryId: string, result: RoundResult | null): TestResult {
  const isOpen = result === null || result.state === 'released' || result.state === 'lost'
  return { eventId, deliveryId, state: isOpen ? 'pending' : result.state, attempt: result?.attempt ?? null }
}

function disabled(webhookId: string): PosthornError {
  return new PosthornError('WEBHOOK_DISABLED', `Webhook ${webhookId} is not active: enable it first.`)
}

// Gives up waiting when one of the signals is aborted; `over` is aborted when the wait is over, however it ended.
async function unlessAborted<T>(
  signals: readonly (AbortSignal | undefined)[],
  work: (over: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  const aborted = new Promise<never>((_, reject) => {
    for (const signal of signals) {
      if (signal?.aborted === true) reject(signal.reason)
      signal?.addEventListener('abort', () => reject(signal.reason), { signal: over.signal })
    }
  })
  try {
    return await Promise.race([aborted, work(over.signal)])
  } finally {
    over.abort()
  }
}

function milliseconds(name: string, value: unknown, min: number): number {
  if (typeof value === 'number' && value >= min && value <= 3_600_000) return value
  throw new RangeError(`${name} must be from ${min} to 3600000 ms, not ${String(value)}.`)
}

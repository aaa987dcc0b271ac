import type { EventInputs, EventSchemas } from '../domain/catalogue.ts'
import type { Attempt, Delivery, DeliveryState, Page } from '../domain/delivery.ts'
import { PosthornError } from '../domain/error.ts'
import { testEventType } from '../domain/event-type.ts'
import type { LifecycleEvents, LifecycleListener } from '../domain/lifecycle.ts'
import { newId } from '../registry/id.ts'
import { assertTenantId, transaction } from '../registry/scope.ts'
import type { TenantScope, WebhookRegistry } from '../registry/webhook-registry.ts'
import type { TransactionOptions } from '../storage/query.ts'
import type { EnqueueResult, NewEvent, Storage } from '../storage/storage.ts'
import { Batcher } from './batcher.ts'
import { ClaimLoop, claimAndDeliver } from './claim-loop.ts'
import { DeliveryLog, type ListDeliveriesQuery } from './delivery-log.ts'
import { dispatcherSettings, type DispatcherSettings, type EventDispatcherOptions } from './dispatcher-options.ts'
import { FanOut, type FanOutInput } from './fan-out.ts'
import { LifecycleEmitter } from './lifecycle-emitter.ts'
import { Worker } from './worker.ts'

/** How one event is dispatched. */
export interface DispatchOptions extends TenantScope {
  /**
   * Makes a second dispatch with the same key, type and data a `duplicate` with the first event's id, for as long as the dispatcher's
   * `idempotencyTtlMs`; the same key with other data is refused. 1 to 255 characters.
   */
  readonly idempotencyKey?: string
  /** Holds the deliveries back, in milliseconds from 0 to 30 days. */
  readonly delayMs?: number
}

/** In whose transaction events are dispatched. */
export interface TransactionScope {
  /**
   * The caller's own open transaction: the event exists if and only if it commits. A PostgreSQL client or what `fromKysely` and its
   * siblings make of a transaction, or the SQLite database itself while its transaction is open.
   */
  readonly tx?: unknown
}

/** One event of {@link EventDispatcher.dispatchMany}. */
export type DispatchInput<Schemas extends EventSchemas> = {
  [Type in keyof EventInputs<Schemas> & string]: DispatchOptions & {
    /** The event's type. */
    readonly type: Type
    /** The event's data. */
    readonly data: EventInputs<Schemas>[Type]
  }
}[keyof EventInputs<Schemas> & string]

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

/** A delivery with everything that was tried. */
export interface DeliveryWithAttempts extends Delivery {
  /** First one first. */
  readonly attempts: readonly Attempt[]
}

/** What became of a dispatched event. */
export interface DispatchResult {
  /** The event's id, which receivers see as `webhook-id`; of the first event where this one is a duplicate. */
  readonly eventId: string
  /** How many deliveries were written to be made; 0 for a duplicate. */
  readonly deliveries: number
  /** `accepted`: durably written. `duplicate`: the idempotency key was used before with the same data; nothing was written. */
  readonly status: 'accepted' | 'duplicate'
}

/** What became of one event of {@link EventDispatcher.dispatchMany}. */
export interface DispatchManyResult {
  /** See {@link DispatchResult.eventId}. */
  readonly eventId: string
  /** See {@link DispatchResult.deliveries}. */
  readonly deliveries: number
  /** As {@link DispatchResult.status}, or `conflict`: the idempotency key was used before with other data; nothing was written. */
  readonly status: EnqueueResult['status']
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

/** What one {@link EventDispatcher.runOnce} did. */
export interface RunResult {
  /** Deliveries it claimed. */
  readonly claimed: number
  /** Of these, succeeded. */
  readonly succeeded: number
  /** Of these, failed for good. */
  readonly failed: number
}

// One write of a few hundred events stays well under a second on any of the databases.
const maxEventsPerWrite = 500

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
  readonly #log: DeliveryLog
  readonly #writes: Batcher<readonly NewEvent[], EnqueueResult[]>
  #worker: Worker | undefined
  #loop: ClaimLoop | undefined
  #running: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  /**
   * Creates a dispatcher.
   * @throws {TypeError} or {RangeError} naming the option that is wrong.
   */
  constructor(options: EventDispatcherOptions<Schemas>) {
    if (options?.registry?.storage === undefined)
      throw new TypeError('EventDispatcher needs { registry }: pass a WebhookRegistry.')
    this.#settings = dispatcherSettings(options)
    this.#registry = options.registry
    this.#storage = options.registry.storage
    this.#fanOut = new FanOut(this.#storage, options.registry.events, this.#settings)
    this.#log = new DeliveryLog(this.#storage)
    this.#writes = new Batcher((groups) => this.#write(groups), { maxItems: maxEventsPerWrite })
  }

  /**
   * Accepts an event: resolves once it and its deliveries are durably written, before anything is sent.
   * @throws {PosthornError} `INVALID_EVENT` naming type and path; `IDEMPOTENCY_CONFLICT`; `TRANSACTIONS_UNSUPPORTED`; `VALIDATION_FAILED`
   * for wrong options.
   */
  async dispatch<Type extends keyof EventInputs<Schemas> & string>(
    type: Type,
    data: EventInputs<Schemas>[Type],
    options: DispatchOptions & TransactionScope = {},
  ): Promise<DispatchResult> {
    const { tx, ...rest } = options
    const joined = transaction(this.#storage, tx)
    await this.#registry.open()
    const event = await this.#fanOut.event({ ...rest, type, data }, joined)
    const [result] = await this.#add([event], joined)
    const { eventId, deliveries, status } = toResult(event, result)
    if (status === 'conflict') {
      const message = `The idempotency key was used before with other data (event ${eventId}): use a new key for a new event.`
      throw new PosthornError('IDEMPOTENCY_CONFLICT', message)
    }
    return { eventId, deliveries, status }
  }

  /**
   * Accepts several events in one write, all or nothing; results stand in the order of `events`.
   * @throws {PosthornError} `INVALID_EVENT` or `VALIDATION_FAILED` naming the event at fault; then none was written.
   */
  async dispatchMany(
    events: readonly DispatchInput<Schemas>[],
    options: TransactionScope = {},
  ): Promise<DispatchManyResult[]> {
    const joined = transaction(this.#storage, options.tx)
    await this.#registry.open()
    const written: NewEvent[] = []
    for (const [index, input] of events.entries()) written.push(await this.#fanOutAt(index, input, joined))
    if (written.length === 0) return []
    const results = await this.#add(written, joined)
    return written.map((event, index) => toResult(event, results[index]))
  }

  /** Begins to deliver. Safe to call again: the second call resolves with the first. */
  start(): Promise<void> {
    this.#running ??= this.#start().catch((error: unknown) => {
      this.#running = undefined
      throw error
    })
    return this.#running
  }

  /**
   * Stops to deliver: claims nothing more, gives back what waits, lets the requests under way end for `timeoutMs` (20,000 unless
   * given), then aborts them; what was aborted is delivered again by whoever runs next. Dispatching goes on working.
   */
  stop(options: StopOptions = {}): Promise<void> {
    const { timeoutMs = 20_000 } = options
    if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0 && timeoutMs <= 3_600_000)) {
      throw new RangeError(`stop: timeoutMs must be from 0 to 3600000, not ${String(timeoutMs)}.`)
    }
    this.#stopping ??= this.#stop(timeoutMs).finally(() => (this.#stopping = undefined))
    return this.#stopping
  }

  /**
   * Resolves once nothing is due and nothing is under way in this process. Deliveries that wait for a later retry are not waited for.
   * @throws the signal's reason, where it is aborted first.
   */
  async drain(options: WaitOptions = {}): Promise<void> {
    const { signal } = options
    signal?.throwIfAborted()
    await unlessAborted(this.#drain(signal), signal)
  }

  /** Claims what is due, up to the concurrency, delivers it, and resolves when that is done. For cron jobs and tests; needs no start. */
  async runOnce(): Promise<RunResult> {
    await this.#registry.open()
    const results = await claimAndDeliver(this.#storage, this.#currentWorker(), this.#settings.leaseMs)
    const count = (state: DeliveryState) => results.filter((result) => result.state === state).length
    return { claimed: results.length, succeeded: count('succeeded'), failed: count('failed') }
  }

  /**
   * Sends a `webhook.test` event to one webhook, whatever it subscribes to, with a single attempt, and tells what it met.
   * @throws {PosthornError} `NOT_FOUND`, `WEBHOOK_DISABLED`; the signal's reason, where it is aborted first.
   */
  async test(webhookId: string, options: TenantScope & WaitOptions = {}): Promise<TestResult> {
    options.signal?.throwIfAborted()
    const webhook = await this.#registry.get(webhookId, options)
    if (!webhook.isActive) throw disabled(webhook.id)
    const data = { webhookId: webhook.id, message: 'This is a test of your webhook.' }
    const deliveryId = newId()
    const event = this.#fanOut.write(testEventType, data, webhook.tenantId)
    const worker = this.#currentWorker()
    const watched = worker.watch(deliveryId, this.#settings.timeoutMs + this.#settings.connectTimeoutMs)
    // Somebody waits for the answer: one more than the concurrency may be claimed, and waits for its slot.
    const { hasMore } = await worker.enqueue([{ ...event, deliveries: [{ id: deliveryId, webhookId: webhook.id }] }], 1)
    if (hasMore && this.#loop === undefined) return { eventId: event.id, deliveryId, state: 'pending', attempt: null }
    if (hasMore) this.#loop?.wake()
    const result = await unlessAborted(watched, options.signal)
    const state = result === null || result.state === 'released' || result.state === 'lost' ? 'pending' : result.state
    return { eventId: event.id, deliveryId, state, attempt: result?.attempt ?? null }
  }

  /**
   * Delivers a final delivery once more, with a fresh allowance of attempts; the earlier ones stay on record.
   * @throws {PosthornError} `NOT_FOUND`; `CONFLICT` where it is still pending; `WEBHOOK_DISABLED`; `PAYLOAD_GONE`.
   */
  async resend(deliveryId: string, scope: TenantScope = {}): Promise<Delivery> {
    await this.#registry.open()
    const delivery = await this.#log.resendable(deliveryId, assertTenantId(scope.tenantId))
    const webhook = await this.#registry.get(delivery.webhookId, scope)
    if (!webhook.isActive) throw disabled(webhook.id)
    await this.#log.requeue(delivery)
    this.#loop?.wake()
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
   * Reads a delivery with all its attempts, first one first.
   * @throws {PosthornError} `NOT_FOUND`.
   */
  async getDelivery(deliveryId: string, scope: TenantScope = {}): Promise<DeliveryWithAttempts> {
    const tenantId = assertTenantId(scope.tenantId)
    await this.#registry.open()
    const delivery = await this.#log.get(deliveryId, tenantId)
    return { ...delivery, attempts: await this.#log.attempts(delivery) }
  }

  /** Listens to one kind of lifecycle event; the function returned ends it. Listeners cannot break or slow the pipeline by throwing. */
  on<Name extends keyof LifecycleEvents>(name: Name, listener: LifecycleListener<Name>): () => void {
    return this.#lifecycle.on(name, listener)
  }

  /** Stops, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #start(): Promise<void> {
    await this.#stopping
    await this.#registry.open()
    const worker = this.#currentWorker()
    const report = (error: unknown) => this.#lifecycle.emit('worker.error', { error, during: 'claim' })
    this.#loop = new ClaimLoop(this.#storage, worker, this.#settings, report)
    void this.#loop.run()
  }

  async #stop(timeoutMs: number): Promise<void> {
    await this.#running?.catch(() => {}) // start() has told its caller
    this.#loop?.stop()
    const worker = this.#worker
    this.#loop = undefined
    this.#worker = undefined
    this.#running = undefined
    await worker?.stop(timeoutMs)
  }

  async #drain(signal: AbortSignal | undefined): Promise<void> {
    await this.#running
    if (this.#loop !== undefined) return await this.#loop.idle()
    while (!signal?.aborted) if ((await this.runOnce()).claimed === 0) return
  }

  #currentWorker(): Worker {
    this.#worker ??= new Worker(this.#storage, this.#settings, this.#lifecycle, (hasFreedWork) =>
      this.#loop?.onFree(hasFreedWork),
    )
    return this.#worker
  }

  // Within the caller's transaction nothing can be grouped or begun: only its commit makes the deliveries visible.
  async #add(events: readonly NewEvent[], joined: TransactionOptions): Promise<EnqueueResult[]> {
    if (joined.tx === undefined) return await this.#writes.add(events)
    return (await this.#storage.enqueue(events, joined)).results
  }

  async #write(groups: readonly (readonly NewEvent[])[]): Promise<EnqueueResult[][]> {
    const worker = this.#currentWorker()
    const { results, hasMore } = await worker.enqueue(groups.flat(), this.#loop === undefined ? 0 : worker.free)
    if (hasMore) this.#loop?.wake()
    return groups.map((group) => results.splice(0, group.length))
  }

  async #fanOutAt(index: number, input: FanOutInput, joined: TransactionOptions): Promise<NewEvent> {
    try {
      return await this.#fanOut.event(input, joined)
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error
      const issues = error.issues.map((issue) => ({ ...issue, path: `[${index}].${issue.path}` }))
      throw new PosthornError(error.code, `Event ${index}: ${error.message}`, { issues, cause: error })
    }
  }
}

function toResult(event: NewEvent, result: EnqueueResult | undefined): DispatchManyResult {
  if (result === undefined)
    throw new TypeError('The storage answered fewer results than events: it breaks its contract.')
  const pending = event.deliveries.filter((delivery) => delivery.skip === undefined).length
  return { eventId: result.id, deliveries: result.status === 'accepted' ? pending : 0, status: result.status }
}

function disabled(webhookId: string): PosthornError {
  return new PosthornError('WEBHOOK_DISABLED', `Webhook ${webhookId} is not active: enable it first.`)
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise
  const ended = new AbortController()
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { signal: ended.signal })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    ended.abort()
  }
}

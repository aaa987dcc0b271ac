import type { EventInputs, EventSchemas } from '../domain/catalogue.ts'
import { PosthornError } from '../domain/error.ts'
import { assertKnown, invalid, transaction } from '../registry/scope.ts'
import type { TenantScope } from '../registry/scope.ts'
import type { TransactionOptions } from '../storage/query.ts'
import type { EnqueueResult, NewEvent, Storage } from '../storage/storage.ts'
import type { Backlog } from './backlog.ts'
import { Batcher } from './batcher.ts'
import type { FanOut, FanOutInput } from './fan-out.ts'

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

/** Writes events; the results stand in order. */
export type WriteEvents = (events: readonly NewEvent[]) => Promise<EnqueueResult[]>

// One write of a few thousand rows stays well under a second on any of the databases.
const maxRowsPerWrite = 2_000

const eventOptions = ['type', 'data', 'tenantId', 'idempotencyKey', 'delayMs']

/** Takes events in: checks them, finds who wants them, makes sure that there is room, and writes them. */
export class Intake {
  readonly #storage: Storage
  readonly #fanOut: FanOut
  readonly #backlog: Backlog
  readonly #writes: Batcher<readonly NewEvent[], EnqueueResult[]>

  constructor(
    storage: Storage,
    parts: { readonly fanOut: FanOut; readonly backlog: Backlog; readonly write: WriteEvents },
  ) {
    this.#storage = storage
    this.#fanOut = parts.fanOut
    this.#backlog = parts.backlog
    this.#writes = new Batcher(
      async (groups) => {
        const results = await parts.write(groups.flat())
        return groups.map((group) => results.splice(0, group.length))
      },
      { maxSize: maxRowsPerWrite, sizeOf: rowsOf },
    )
  }

  async one(input: FanOutInput & TransactionScope): Promise<DispatchResult> {
    assertKnown(input, [...eventOptions, 'tx'])
    const joined = transaction(this.#storage, input.tx)
    const event = await this.#fanOut.event(input, joined)
    const [result] = await this.#add([event], joined)
    const { eventId, deliveries, status } = toResult(event, result)
    if (status !== 'conflict') return { eventId, deliveries, status }
    const message = `The idempotency key was used before with other data (event ${eventId}): use a new key for a new event.`
    throw new PosthornError('IDEMPOTENCY_CONFLICT', message)
  }

  async many(inputs: readonly FanOutInput[], options: TransactionScope): Promise<DispatchManyResult[]> {
    assertKnown(options, ['tx'])
    if (!Array.isArray(inputs)) throw invalid('events', 'must be an array of { type, data }')
    const joined = transaction(this.#storage, options.tx)
    const events: NewEvent[] = []
    for (const [index, input] of inputs.entries()) events.push(await this.#eventAt(index, input, joined))
    if (events.length === 0) return []
    const results = await this.#add(events, joined)
    return events.map((event, index) => toResult(event, results[index]))
  }

  async #eventAt(index: number, input: FanOutInput, joined: TransactionOptions): Promise<NewEvent> {
    try {
      assertKnown(input, eventOptions)
      return await this.#fanOut.event(input, joined)
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error
      const issues = error.issues.map((issue) => ({
        ...issue,
        path: issue.path === '' ? `[${index}]` : `[${index}].${issue.path}`,
      }))
      throw new PosthornError(error.code, `Event ${index}: ${error.message}`, { issues, cause: error })
    }
  }

  // Within the caller's transaction nothing can be grouped or begun: only its commit makes the deliveries visible.
  async #add(events: readonly NewEvent[], joined: TransactionOptions): Promise<EnqueueResult[]> {
    await this.#admit(events, joined.tx !== undefined)
    if (joined.tx === undefined) return await this.#writes.add(events)
    return (await this.#storage.enqueue(events, joined)).results
  }

  async #admit(events: readonly NewEvent[], isJoined: boolean): Promise<void> {
    const counts = new Map<string, number>()
    for (const event of events) counts.set(event.tenantId, (counts.get(event.tenantId) ?? 0) + pendingOf(event))
    for (const [tenantId, count] of counts) await this.#backlog.admit(tenantId, count, { isJoined })
  }
}

function toResult(event: NewEvent, result: EnqueueResult | undefined): DispatchManyResult {
  if (result === undefined) {
    throw new TypeError('The storage answered fewer results than events: it breaks its contract.')
  }
  return {
    eventId: result.id,
    deliveries: result.status === 'accepted' ? pendingOf(event) : 0,
    status: result.status,
  }
}

function rowsOf(events: readonly NewEvent[]): number {
  return events.reduce((count, event) => count + 1 + event.deliveries.length, 0)
}

function pendingOf(event: NewEvent): number {
  return event.deliveries.filter((delivery) => delivery.skip === undefined).length
}

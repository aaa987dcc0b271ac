import type { EventInputs, EventSchemas } from '../domain/catalogue.ts'
import { PosthornError } from '../domain/error.ts'
import { assertKnown, invalid, transaction } from '../registry/scope.ts'
import type { TenantScope } from '../registry/scope.ts'
import type { KnownMatch, TransactionOptions } from '../storage/query.ts'
import type { EnqueueResult, NewEvent, Storage } from '../storage/storage.ts'
import type { Backlog } from './backlog.ts'
import { Batcher } from './batcher.ts'
import type { FanOut, FanOutInput, UnmatchedEvent } from './fan-out.ts'

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

/** Writes events; the results stand in order. Null where nothing was written, since what they were matched by does not hold any more. */
export type WriteEvents = (
  events: readonly NewEvent[],
  ifMatched?: readonly KnownMatch[],
) => Promise<readonly EnqueueResult[] | null>

// One write of a few thousand rows stays well under a second on any of the databases. What a caller gave at once is never split.
const maxRowsPerWrite = 2_000
// What is written at once is held in memory once more as the parameter of a statement.
const maxSizePerBatch = 8 * 1024 * 1024
const sizeOfEvent = 4_096

const eventOptions = ['tenantId', 'idempotencyKey', 'delayMs']
const manyOptions = ['type', 'data', ...eventOptions]
const oneOptions = [...eventOptions, 'tx']

/** What became of events that were written together, or why they were refused. */
type Written = readonly DispatchManyResult[] | PosthornError

/** Takes events in: checks them, finds who wants them, makes sure that there is room, and writes them. */
export class Intake {
  readonly #storage: Storage
  readonly #fanOut: FanOut
  readonly #backlog: Backlog
  readonly #write: WriteEvents
  readonly #writes: Batcher<readonly UnmatchedEvent[], Written>

  constructor(
    storage: Storage,
    parts: { readonly fanOut: FanOut; readonly backlog: Backlog; readonly write: WriteEvents },
  ) {
    this.#storage = storage
    this.#fanOut = parts.fanOut
    this.#backlog = parts.backlog
    this.#write = parts.write
    this.#writes = new Batcher((groups) => this.#writeGroups(groups), {
      maxSize: maxSizePerBatch,
      isLocal: storage.capabilities.scope !== 'cluster',
      sizeOf: (events) => events.reduce((size, { body }) => size + sizeOfEvent + body.length, 0),
    })
  }

  async one(type: string, data: unknown, options: DispatchOptions & TransactionScope): Promise<DispatchResult> {
    assertKnown(options, oneOptions)
    const { tenantId, idempotencyKey, delayMs, tx } = options
    const joined = transaction(this.#storage, tx)
    const made = this.#fanOut.event({ type, data, tenantId, idempotencyKey, delayMs })
    const event = made instanceof Promise ? await made : made
    const written = await this.#add([event], joined)
    if (written instanceof PosthornError) throw written
    const [result] = written
    if (result === undefined) throw fewerResults()
    const { eventId, deliveries, status } = result
    if (status !== 'conflict') return { eventId, deliveries, status }
    const message = `The idempotency key was used before with other data (event ${eventId}): use a new key for a new event.`
    throw new PosthornError('IDEMPOTENCY_CONFLICT', message)
  }

  async many(inputs: readonly FanOutInput[], options: TransactionScope): Promise<DispatchManyResult[]> {
    assertKnown(options, ['tx'])
    if (!Array.isArray(inputs)) throw invalid('events', 'must be an array of { type, data }')
    const joined = transaction(this.#storage, options.tx)
    const events: UnmatchedEvent[] = []
    for (const [index, input] of inputs.entries()) events.push(await this.#eventAt(index, input))
    if (events.length === 0) return []
    const written = await this.#add(events, joined)
    if (written instanceof PosthornError) throw written
    return [...written]
  }

  async #eventAt(index: number, input: FanOutInput): Promise<UnmatchedEvent> {
    try {
      assertKnown(input, manyOptions)
      return await this.#fanOut.event(input)
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error
      const issues = error.issues.map((issue) => ({
        ...issue,
        path: issue.path === '' ? `[${index}]` : `[${index}].${issue.path}`,
      }))
      throw new PosthornError(error.code, `Event ${index}: ${error.message}`, { issues, cause: error })
    }
  }

  #add(events: readonly UnmatchedEvent[], joined: TransactionOptions): Promise<Written> {
    return joined.tx === undefined ? this.#writes.add(events) : this.#writeJoined(events, joined)
  }

  // Within the caller's transaction nothing can be grouped or begun: only its commit makes the deliveries visible.
  async #writeJoined(unmatched: readonly UnmatchedEvent[], joined: TransactionOptions): Promise<Written> {
    const events = await this.#fanOut.match(unmatched, joined)
    const refusal = await this.#backlog.admit(pendingByTenant(events), { isJoined: true })
    if (refusal !== null) return refusal
    const { results } = await this.#storage.enqueue(events, joined)
    this.#backlog.takeBack(pendingByTenant(unwritten(events, results)))
    return toResults(events, results)
  }

  // At most one look at storage for who wants the events, and one write, whatever the number of dispatches.
  async #writeGroups(groups: readonly (readonly UnmatchedEvent[])[]): Promise<Written[]> {
    const events = groups.flat()
    const byMemory = this.#fanOut.matchByMemory(events)
    // Of several writes one could be stale after others were made.
    if (byMemory !== null && rowsOf(byMemory.events) <= maxRowsPerWrite) {
      const written = await this.#writeMatched(groups, byMemory.events, byMemory.ifMatched)
      if (written !== null) return written
    }
    const written = await this.#writeMatched(groups, await this.#fanOut.match(events))
    if (written === null) throw fewerResults()
    return written
  }

  // Null where nothing was written, since `ifMatched` does not hold any more, or leaves no room for all.
  async #writeMatched(
    groups: readonly (readonly UnmatchedEvent[])[],
    matched: readonly NewEvent[],
    ifMatched?: readonly KnownMatch[],
  ): Promise<Written[] | null> {
    const pending = pendingByTenant(matched)
    // A tenant that takes long to count holds up the batch, but no other's count.
    await this.#backlog.look(pending)
    const written: Written[] = []
    const admitted: Admitted[] = []
    // Nearly always there is room for all; else each has to be asked for alone.
    const hasRoom = (await this.#backlog.admit(pending, { isJoined: false })) === null
    // Nobody is refused by what may be so no more.
    if (!hasRoom && ifMatched !== undefined) return null
    let next = 0
    for (const [place, { length }] of groups.entries()) {
      const events = matched.slice(next, (next += length))
      const refusal = hasRoom ? null : await this.#backlog.admit(pendingByTenant(events), { isJoined: false })
      if (refusal === null) admitted.push({ place, events })
      else written[place] = refusal
    }
    // A write that fails after others of the batch is repeated with them, which does no harm: what is stored already is accepted again.
    for (const chunk of chunksOf(admitted)) {
      const results = await this.#writeAdmitted(chunk, admitted, ifMatched)
      if (results === null) return null
      let first = 0
      for (const { place, events } of chunk) {
        const own = results.slice(first, (first += events.length))
        this.#backlog.takeBack(pendingByTenant(unwritten(events, own)))
        written[place] = toResults(events, own)
      }
    }
    return written
  }

  // Where nothing is written there is room again for all that was admitted.
  async #writeAdmitted(
    chunk: readonly Admitted[],
    admitted: readonly Admitted[],
    ifMatched: readonly KnownMatch[] | undefined,
  ): Promise<readonly EnqueueResult[] | null> {
    let results: readonly EnqueueResult[] | null = null
    try {
      results = await this.#write(
        chunk.flatMap(({ events }) => events),
        ifMatched,
      )
      return results
    } finally {
      if (results === null) this.#backlog.takeBack(pendingByTenant(admitted.flatMap(({ events }) => events)))
    }
  }
}

/** Events that are written all or none, and their place in the batch. */
interface Admitted {
  readonly place: number
  readonly events: readonly NewEvent[]
}

function* chunksOf(admitted: readonly Admitted[]): Generator<readonly Admitted[]> {
  let chunk: Admitted[] = []
  let rows = 0
  for (const group of admitted) {
    const size = rowsOf(group.events)
    if (chunk.length > 0 && rows + size > maxRowsPerWrite) {
      yield chunk
      chunk = []
      rows = 0
    }
    chunk.push(group)
    rows += size
  }
  if (chunk.length > 0) yield chunk
}

function rowsOf(events: readonly NewEvent[]): number {
  return events.reduce((count, { deliveries }) => count + 1 + deliveries.length, 0)
}

function toResults(events: readonly NewEvent[], results: readonly EnqueueResult[]): DispatchManyResult[] {
  return events.map((event, index) => {
    const result = results[index]
    if (result === undefined) throw fewerResults()
    return {
      eventId: result.id,
      deliveries: result.status === 'accepted' ? pendingOf(event) : 0,
      status: result.status,
    }
  })
}

/** Those that were written before, or conflict with what was: they add nothing. */
function unwritten(events: readonly NewEvent[], results: readonly EnqueueResult[]): readonly NewEvent[] {
  return events.filter((_, index) => results[index]?.status !== 'accepted')
}

function fewerResults(): TypeError {
  return new TypeError('The storage answered fewer results than events: it breaks its contract.')
}

function pendingByTenant(events: readonly NewEvent[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const event of events) counts.set(event.tenantId, (counts.get(event.tenantId) ?? 0) + pendingOf(event))
  return counts
}

function pendingOf({ deliveries }: NewEvent): number {
  let count = 0
  for (const { skip } of deliveries) if (skip === undefined) count++
  return count
}

import { createHash } from 'node:crypto'
import type { EventCatalogue } from '../domain/catalogue.ts'
import { PosthornError } from '../domain/error.ts'
import { isStorable } from '../domain/text.ts'
import { isEventType, patternsMatching, testEventType } from '../domain/event-type.ts'
import { newId } from '../registry/id.ts'
import { assertTenantId, invalid } from '../registry/scope.ts'
import type { KnownMatch, MatchWebhooks, TransactionOptions, WebhookMatch } from '../storage/query.ts'
import type { NewDelivery, NewEvent, Storage } from '../storage/storage.ts'
import type { DispatcherSettings } from './dispatcher-options.ts'
import { KnownMatches } from './known-matches.ts'

/** One event to dispatch, not yet checked. */
export interface FanOutInput {
  readonly type: string
  readonly data: unknown
  readonly tenantId?: string | undefined
  readonly idempotencyKey?: string | undefined
  readonly delayMs?: number | undefined
}

/** An event that is checked and serialized; who wants it is not known yet. */
export type UnmatchedEvent = Omit<NewEvent, 'deliveries'>

const noJsonForm = 'has no JSON form: pass an object, an array, a string, a number, a boolean or null'
const maxDelayMs = 30 * 86_400_000

/** Turns what the caller dispatched into what storage writes: checked and serialized once each, matched to webhooks together. */
export class FanOut {
  readonly #storage: Storage
  readonly #catalogue: EventCatalogue | undefined
  readonly #settings: DispatcherSettings
  readonly #known: KnownMatches | null

  constructor(storage: Storage, catalogue: EventCatalogue | undefined, settings: DispatcherSettings) {
    this.#storage = storage
    this.#known = storage.capabilities.checksMatches === true ? new KnownMatches() : null
    this.#catalogue = catalogue
    this.#settings = settings
  }

  /** Checks one event and serializes it, at once where neither a catalogue nor an envelope has to be waited for. */
  event(input: FanOutInput): UnmatchedEvent | Promise<UnmatchedEvent> {
    const tenantId = assertTenantId(input.tenantId)
    assertType(input.type)
    if (this.#catalogue !== undefined) return this.#checkedEvent(this.#catalogue, input, tenantId)
    const event = this.write(input.type, input.data, tenantId)
    return event instanceof Promise ? event.then((made) => this.#completed(made, input)) : this.#completed(event, input)
  }

  async #checkedEvent(catalogue: EventCatalogue, input: FanOutInput, tenantId: string): Promise<UnmatchedEvent> {
    await catalogue.validate(input.type, input.data)
    return this.#completed(await this.write(input.type, input.data, tenantId), input)
  }

  #completed(event: UnmatchedEvent, input: FanOutInput): UnmatchedEvent {
    const { idempotencyKey, delayMs } = input
    if (idempotencyKey === undefined && delayMs === undefined) return event
    return { ...event, ...this.#idempotency(input), ...delay(delayMs) }
  }

  /** Finds the webhooks that want each of the events, those of the caller's transaction included, and names the deliveries: one look at storage. */
  async match(events: readonly UnmatchedEvent[], joined: TransactionOptions = {}): Promise<NewEvent[]> {
    const plan = queriesFor(events)
    const matches = await this.#storage.matchWebhooks(plan.queries, joined)
    const matched = withDeliveries(events, plan, matches)
    // What a transaction sees nobody else does yet.
    if (joined.tx === undefined)
      for (const [n, query] of plan.queries.entries()) this.#known?.keep(query, matches[n] ?? [])
    return matched
  }

  /**
   * As {@link match}, by what storage answered before and without a look at it: `ifMatched` is to be checked as the events are written. Null where
   * the storage does not check, or where it has not answered yet.
   */
  matchByMemory(events: readonly UnmatchedEvent[]): MatchedByMemory | null {
    if (this.#known === null) return null
    const plan = queriesFor(events)
    const ifMatched = this.#known.of(plan.queries)
    if (ifMatched === null) return null
    const matches = ifMatched.map(({ webhooks }) => webhooks)
    return { events: withDeliveries(events, plan, matches), ifMatched }
  }

  /** Makes the event of a type that is taken as it is, without deliveries. */
  write(type: string, data: unknown, tenantId: string): UnmatchedEvent | Promise<UnmatchedEvent> {
    const { clock, envelope } = this.#settings
    const id = newId()
    assertData(type, data)
    const made = envelope({ id, type, timestamp: new Date(clock()), data })
    if (made instanceof Promise) return made.then((payload) => this.#serialized(id, type, payload, tenantId))
    return this.#serialized(id, type, made, tenantId)
  }

  #serialized(id: string, type: string, payload: unknown, tenantId: string): UnmatchedEvent {
    const { serialize, maxBodyBytes } = this.#settings
    const body = toText(type, payload, serialize)
    const bytes = Buffer.byteLength(body)
    if (bytes > maxBodyBytes) {
      throw invalidData(type, `makes a body of ${bytes} bytes, over maxBodyBytes (${maxBodyBytes}): send a reference`)
    }
    return { id, tenantId, type, body, contentType: 'application/json' }
  }

  #idempotency({ idempotencyKey, type, data }: FanOutInput) {
    if (idempotencyKey === undefined) return {}
    const isFitting = typeof idempotencyKey === 'string' && idempotencyKey !== '' && idempotencyKey.length <= 255
    if (!isFitting || !isStorable(idempotencyKey)) {
      throw invalid('idempotencyKey', 'must be a string of 1 to 255 characters, without NUL and lone surrogates')
    }
    // The body itself carries a new id and time on every dispatch; what the caller gave is what must be the same.
    return {
      idempotencyKey,
      bodyHash: fingerprintOf(type, data),
      idempotencyTtlMs: this.#settings.idempotencyTtlMs,
    }
  }
}

// An envelope may write what has no JSON of its own.
function fingerprintOf(type: string, data: unknown): string {
  try {
    const text = JSON.stringify(data, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
    return createHash('sha256').update(`${type}\n${text}`).digest('base64')
  } catch (error) {
    throw invalidData(type, 'cannot be written as JSON, by which an idempotency key knows it again', error)
  }
}

/** Events with the deliveries that they had to be given by what is known. */
export interface MatchedByMemory {
  readonly events: readonly NewEvent[]
  /** What that rests on. */
  readonly ifMatched: readonly KnownMatch[]
}

interface MatchPlan {
  /** One for each type of each tenant. */
  readonly queries: readonly MatchWebhooks[]
  /** For each event, in order, which of them is its own. */
  readonly places: readonly number[]
}

function queriesFor(events: readonly UnmatchedEvent[]): MatchPlan {
  const queries: MatchWebhooks[] = []
  const known = new Map<string, number>()
  let last: UnmatchedEvent | undefined
  let place = -1
  const places = events.map((event) => {
    const { tenantId, type } = event
    // Most of what comes together is alike.
    if (last?.type === type && last.tenantId === tenantId) return place
    last = event
    const key = `${type} ${tenantId}`
    place = known.get(key) ?? queries.push({ tenantId, patterns: patternsMatching(type) }) - 1
    known.set(key, place)
    return place
  })
  return { queries, places }
}

function withDeliveries(
  events: readonly UnmatchedEvent[],
  { places }: MatchPlan,
  matches: readonly (readonly WebhookMatch[])[],
): NewEvent[] {
  return events.map((event, index) => {
    const webhooks = matches[places[index] ?? -1]
    if (webhooks === undefined)
      throw new TypeError('The storage answered fewer matches than queries: it breaks its contract.')
    return { ...event, deliveries: webhooks.map(newDelivery) }
  })
}

function newDelivery({ id, isActive }: WebhookMatch): NewDelivery {
  return isActive ? { id: newId(), webhookId: id } : { id: newId(), webhookId: id, skip: 'disabled' }
}

function assertType(type: unknown): asserts type is string {
  if (typeof type !== 'string' || !isEventType(type)) {
    const issues = [{ path: 'type', message: 'must be [A-Za-z0-9_] segments joined by dots, at most 128 characters' }]
    throw new PosthornError('INVALID_EVENT', `The event type ${issues[0]?.message}.`, { issues })
  }
  if (type === testEventType) {
    const issues = [{ path: 'type', message: 'is reserved: call test(webhookId) instead' }]
    throw new PosthornError('INVALID_EVENT', `Event type ${type} is reserved: call test(webhookId) instead.`, {
      issues,
    })
  }
}

function delay(delayMs: unknown): { delayMs?: number } {
  if (delayMs === undefined) return {}
  if (typeof delayMs === 'number' && Number.isInteger(delayMs) && delayMs >= 0 && delayMs <= maxDelayMs)
    return { delayMs }
  throw invalid('delayMs', `must be an integer from 0 to ${maxDelayMs} (30 days)`)
}

function assertData(type: string, data: unknown): void {
  if (data === undefined) throw invalidData(type, 'is undefined: pass null for an event without data')
  if (typeof data === 'function' || typeof data === 'symbol') throw invalidData(type, noJsonForm)
}

function toText(type: string, payload: unknown, serialize: (payload: unknown) => string | undefined): string {
  let text: string | undefined
  try {
    text = serialize(payload)
  } catch (error) {
    throw invalidData(type, 'cannot be written as JSON: remove BigInts and circular references', error)
  }
  if (typeof text !== 'string') throw invalidData(type, noJsonForm)
  return text
}

function invalidData(type: string, message: string, cause?: unknown): PosthornError {
  const issues = [{ path: 'data', message }]
  return new PosthornError('INVALID_EVENT', `The data of ${type} ${message}.`, { issues, cause })
}

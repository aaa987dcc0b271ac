import { createHash } from 'node:crypto'
import type { EventCatalogue } from '../domain/catalogue.ts'
import { PosthornError } from '../domain/error.ts'
import { isStorable } from '../domain/text.ts'
import { isEventType, patternsMatching, testEventType } from '../domain/event-type.ts'
import { newId } from '../registry/id.ts'
import { assertTenantId, invalid } from '../registry/scope.ts'
import type { MatchWebhooks, TransactionOptions } from '../storage/query.ts'
import type { NewDelivery, NewEvent, Storage, WebhookMatch } from '../storage/storage.ts'
import type { DispatcherSettings } from './dispatcher-options.ts'

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

  constructor(storage: Storage, catalogue: EventCatalogue | undefined, settings: DispatcherSettings) {
    this.#storage = storage
    this.#catalogue = catalogue
    this.#settings = settings
  }

  /** Checks one event and serializes it. */
  async event(input: FanOutInput): Promise<UnmatchedEvent> {
    const { type, data, idempotencyKey, delayMs } = input
    const tenantId = assertTenantId(input.tenantId)
    assertType(type)
    if (this.#catalogue !== undefined) await this.#catalogue.validate(type, data)
    const event = await this.write(type, data, tenantId)
    if (idempotencyKey === undefined && delayMs === undefined) return event
    return { ...event, ...this.#idempotency(input), ...delay(delayMs) }
  }

  /** Finds the webhooks that want each of the events, those of the caller's transaction included, and names the deliveries: one look at storage. */
  async match(events: readonly UnmatchedEvent[], joined: TransactionOptions = {}): Promise<NewEvent[]> {
    const places = new Map<string, number>()
    const queries: MatchWebhooks[] = []
    for (const { tenantId, type } of events) {
      const key = `${type} ${tenantId}`
      if (places.has(key)) continue
      places.set(key, queries.length)
      queries.push({ tenantId, patterns: patternsMatching(type) })
    }
    const matches = await this.#storage.matchWebhooks(queries, joined)
    return events.map((event) => {
      const webhooks = matches[places.get(`${event.type} ${event.tenantId}`) ?? -1]
      if (webhooks === undefined)
        throw new TypeError('The storage answered fewer matches than queries: it breaks its contract.')
      return { ...event, deliveries: webhooks.map(newDelivery) }
    })
  }

  /** Makes the event of a type that is taken as it is, without deliveries. */
  async write(type: string, data: unknown, tenantId: string): Promise<UnmatchedEvent> {
    const { clock, envelope, serialize, maxBodyBytes } = this.#settings
    const id = newId()
    assertData(type, data)
    const made = envelope({ id, type, timestamp: new Date(clock()), data })
    const payload = made instanceof Promise ? await made : made
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
    const bodyHash = createHash('sha256')
      .update(`${type}\n${JSON.stringify(data)}`)
      .digest('base64')
    return { idempotencyKey, bodyHash, idempotencyTtlMs: this.#settings.idempotencyTtlMs }
  }
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

import { PosthornError } from '../../domain/error.ts'
import type { NewEvent } from '../storage.ts'
import { assertStorable } from './storable-text.ts'
import { isId } from '../../domain/id.ts'

/** The events as one JSON text, numbered by their place. Refuses what cannot be stored. */
export function eventsInput(events: readonly NewEvent[]): string {
  const inputs = events.map((event, n) => {
    assertEvent(event, `events[${n}]`)
    const { id, tenantId, type, body, contentType, idempotencyKey, bodyHash, idempotencyTtlMs, delayMs = 0 } = event
    return { n, id, tenantId, type, body, contentType, key: idempotencyKey, bodyHash, ttlMs: idempotencyTtlMs, delayMs }
  })
  return JSON.stringify(inputs)
}

/** Their deliveries as another, with the place of their event. */
export function deliveriesInput(events: readonly NewEvent[]): string {
  let place = 0
  const inputs = events.flatMap(({ deliveries }, n) => {
    return deliveries.map(({ id, webhookId, skip }, index) => {
      const path = `events[${n}].deliveries[${index}]`
      assertId(`${path}.id`, id)
      assertId(`${path}.webhookId`, webhookId)
      assertStorable(`${path}.skip`, skip)
      return { n, place: place++, id, webhookId, skip }
    })
  })
  return JSON.stringify(inputs)
}

function assertEvent(event: NewEvent, path: string): void {
  assertId(`${path}.id`, event.id)
  for (const [name, value] of Object.entries(event)) {
    if (typeof value === 'string') assertStorable(`${path}.${name}`, value)
  }
  if (event.idempotencyKey === undefined) return
  if (event.bodyHash !== undefined && event.idempotencyTtlMs !== undefined) return
  const message = 'needs a bodyHash and an idempotencyTtlMs beside it'
  throw invalid(`${path}.idempotencyKey`, message)
}

function assertId(path: string, id: string): void {
  if (!isId(id)) throw invalid(path, 'must be a UUID in lower case')
}

function invalid(path: string, message: string): PosthornError {
  return new PosthornError('VALIDATION_FAILED', `${path} ${message}.`, { issues: [{ path, message }] })
}

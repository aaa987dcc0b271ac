import { PosthornError } from '../../domain/error.ts'
import type { NewDelivery, NewEvent } from '../storage.ts'
import { type ColumnsText, columnsText } from './columns.ts'
import { assertStorable } from './storable-text.ts'
import { isId } from '../../domain/id.ts'

/** The columns of the events, as {@link eventColumns} names them. Refuses what cannot be stored. */
export function eventsInput(events: readonly NewEvent[]): ColumnsText {
  return columnsText([
    ...eventCells(events),
    events.map(({ idempotencyKey }) => idempotencyKey),
    events.map(({ bodyHash }) => bodyHash),
    events.map(({ idempotencyTtlMs }) => idempotencyTtlMs),
    events.map(({ delayMs = 0 }) => delayMs),
  ])
}

/** What every event has, as {@link writtenColumns} names it. Refuses what cannot be stored. */
export function eventCells(events: readonly NewEvent[]): readonly (readonly string[])[] {
  for (const [n, event] of events.entries()) assertEvent(event, n)
  return [
    events.map(({ id }) => id),
    events.map(({ tenantId }) => tenantId),
    events.map(({ type }) => type),
    events.map(({ body }) => body),
    events.map(({ contentType }) => contentType),
  ]
}

/** What is read of any event, with its place `n`. */
export const writtenColumns = { id: 'uuid', '"tenantId"': 'text', type: 'text', body: 'text', '"contentType"': 'text' }

/** What is read of an event that may have a key or a delay. */
export const eventColumns = {
  ...writtenColumns,
  key: 'text',
  '"bodyHash"': 'text',
  '"ttlMs"': 'float8',
  '"delayMs"': 'float8',
}

/** Those of their deliveries, as {@link deliveryColumns} names them. */
export function deliveriesInput(events: readonly NewEvent[]): ColumnsText {
  const ids: string[] = []
  const webhookIds: string[] = []
  const places: number[] = []
  const skips: (string | undefined)[] = []
  for (const [n, { deliveries }] of events.entries()) {
    for (const [index, delivery] of deliveries.entries()) {
      assertDelivery(delivery, `events[${n}].deliveries[${index}]`)
      const { id, webhookId, skip } = delivery
      ids.push(id)
      webhookIds.push(webhookId)
      places.push(n)
      skips.push(skip)
    }
  }
  return columnsText([ids, webhookIds, places, skips])
}

/** What is read of a delivery: `eventPlace` is the `n` of its event. */
export const deliveryColumns = { id: 'uuid', '"webhookId"': 'uuid', '"eventPlace"': 'integer', skip: 'text' }

/** Refuses a delivery, at `path`, that cannot be stored. */
export function assertDelivery({ id, webhookId, skip }: NewDelivery, path: string): void {
  if (!isId(id)) throw noId(`${path}.id`)
  if (!isId(webhookId)) throw noId(`${path}.webhookId`)
  if (skip !== undefined) assertStorable(`${path}.skip`, skip)
}

function assertEvent(event: NewEvent, n: number): void {
  if (!isId(event.id)) throw noId(`events[${n}].id`)
  for (const [name, value] of Object.entries(event)) {
    if (typeof value === 'string') assertStorable(`events[${n}].${name}`, value)
  }
  if (event.idempotencyKey === undefined) return
  if (event.bodyHash !== undefined && event.idempotencyTtlMs !== undefined) return
  const message = 'needs a bodyHash and an idempotencyTtlMs beside it'
  throw invalid(`events[${n}].idempotencyKey`, message)
}

function noId(path: string): PosthornError {
  return invalid(path, 'must be a UUID in lower case')
}

function invalid(path: string, message: string): PosthornError {
  return new PosthornError('VALIDATION_FAILED', `${path} ${message}.`, { issues: [{ path, message }] })
}

import type { Attempt, Delivery } from '../../domain/delivery.ts'
import type { NewAttempt } from '../settlement.ts'
import type { DeliveryRow, EventRow } from './rows.ts'

export function newDeliveryRow(id: string, event: EventRow, webhookId: string): DeliveryRow {
  return {
    id,
    event,
    webhookId,
    createdAtMs: event.createdAtMs,
    state: 'pending',
    reason: null,
    attemptCount: 0,
    attemptsBefore: 0,
    claimCount: 0,
    trigger: 'auto',
    lastStatus: null,
    finishedAtMs: null,
    attempts: [],
    place: null,
    lane: null,
    lease: null,
    historyNode: null,
    historySize: 0,
    isRemoved: false,
  }
}

/** Says whether somebody holds the delivery; a lease that ran out is held by nobody, taken back already or not. */
export function isHeld(row: DeliveryRow, nowMs: number): boolean {
  return row.lease !== null && row.place !== null && row.place.atMs > nowMs
}

export function toDelivery(row: DeliveryRow, nowMs: number): Delivery {
  const isLeased = isHeld(row, nowMs)
  return {
    id: row.id,
    eventId: row.event.id,
    webhookId: row.webhookId,
    tenantId: row.event.tenantId,
    type: row.event.type,
    state: row.state,
    reason: row.reason,
    attemptCount: row.attemptCount,
    dueAt: row.place === null || isLeased ? null : new Date(row.place.atMs),
    isLeased,
    lastStatus: row.lastStatus,
    createdAt: new Date(row.createdAtMs),
    finishedAt: row.finishedAtMs === null ? null : new Date(row.finishedAtMs),
  }
}

/** Appends an attempt, unless one of that number is there. */
export function recordAttempt(row: DeliveryRow, attempt: NewAttempt): void {
  if (attempt.number <= row.attemptCount) return
  const copy = copyAttempt(attempt, row.id)
  // Nearly all have one: an array that grows by push has room for sixteen.
  if (row.attempts.length === 0) row.attempts = [copy]
  else row.attempts.push(copy)
  row.attemptCount = attempt.number
  row.claimCount = 0
  row.lastStatus = attempt.status
}

export function copyAttempt(attempt: NewAttempt, deliveryId: string): Attempt {
  const { number, trigger, startedAt, durationMs, status, error, responseHeaders, responseBody } = attempt
  return {
    deliveryId,
    number,
    trigger,
    startedAt: new Date(startedAt),
    durationMs,
    status,
    error,
    responseHeaders: responseHeaders === null ? null : { ...responseHeaders },
    responseBody,
  }
}

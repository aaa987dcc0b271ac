import type { NewAttempt } from '../../../src/storage/settlement.ts'
import type { NewEvent, StoredWebhook } from '../../../src/storage/storage.ts'

export const tenantId = 'acme'

let idCount = 0

/** Makes an id in the form of a UUIDv7, above all earlier ones of this process. */
export function newId(): string {
  idCount++
  const time = Date.now().toString(16).padStart(12, '0')
  const text = `${idCount.toString(16).padStart(8, '0')}${process.pid.toString(16).padStart(8, '0')}`
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-${text.slice(0, 4)}-${text.slice(4)}`
}

/** Makes a webhook that subscribes to everything. */
export function newWebhook(overrides: Partial<StoredWebhook> = {}): StoredWebhook {
  return {
    id: newId(),
    tenantId,
    name: 'ci',
    url: 'https://receiver.example/hook',
    events: ['*'],
    isActive: true,
    disabledReason: null,
    description: null,
    metadata: {},
    sealed: 'sealed',
    maxInFlight: 1000,
    gateUntil: null,
    createdBy: null,
    version: 1,
    createdAt: new Date(0),
    updatedAt: new Date(0),
    ...overrides,
  }
}

/** Makes an event with one delivery for each of the webhooks. */
export function newEvent(webhooks: readonly { readonly id: string }[], overrides: Partial<NewEvent> = {}): NewEvent {
  return {
    id: newId(),
    tenantId,
    type: 'order.created',
    body: '{"order":1}',
    contentType: 'application/json',
    deliveries: webhooks.map((webhook) => ({ id: newId(), webhookId: webhook.id })),
    ...overrides,
  }
}

/** Makes an attempt that was answered with 200. */
export function newAttempt(number: number): NewAttempt {
  return {
    number,
    trigger: 'auto',
    startedAt: new Date(0),
    durationMs: 12,
    status: 200,
    error: null,
    responseHeaders: { 'content-type': 'text/plain' },
    responseBody: 'ok',
  }
}

import assert from 'node:assert/strict'
import type { Attempt, Delivery } from '../../domain/delivery.ts'
import type { NewAttempt } from '../settlement.ts'
import type { Claimed, NewEvent, Storage, StoredWebhook } from '../storage.ts'
import type { WebhookMatch } from '../query.ts'
import type { ConformanceAdapter } from './conformance-adapter.ts'

/** The cases of one topic by name; a name states the invariant. */
export type Cases = Readonly<Record<string, (fixture: Fixture) => Promise<void>>>

/** The tenant that owns the rows of a case unless it says otherwise. */
export const tenantId = 'acme'

/** The tenant that must see none of them. */
export const foreignTenantId = 'globex'

/** What every case starts from: an open, empty storage, the hands on its clock, and makers of rows. */
export class Fixture {
  readonly storage: Storage
  readonly advance: (ms: number) => Promise<void>
  readonly now: () => Date
  #idCount = 0

  constructor(storage: Storage, now: () => Date, advance: (ms: number) => Promise<void>) {
    this.storage = storage
    this.now = now
    this.advance = advance
  }

  /** Makes an id in the form of a UUIDv7, above all earlier ones of the case. */
  newId(): string {
    this.#idCount++
    return `019b7600-0000-7000-8000-${this.#idCount.toString(16).padStart(12, '0')}`
  }

  newWebhook(overrides: Partial<StoredWebhook> = {}): StoredWebhook {
    return {
      id: this.newId(),
      tenantId,
      name: 'ci',
      url: 'https://receiver.example/hook',
      events: ['order.*'],
      isActive: true,
      disabledReason: null,
      description: null,
      metadata: {},
      sealed: 'sealed',
      maxInFlight: 1000,
      gateUntil: null,
      createdBy: null,
      version: 1,
      createdAt: this.now(),
      updatedAt: this.now(),
      ...overrides,
    }
  }

  async insertWebhook(overrides: Partial<StoredWebhook> = {}): Promise<StoredWebhook> {
    const webhook = this.newWebhook(overrides)
    await this.storage.insertWebhook(webhook)
    return webhook
  }

  /** Makes an event with one delivery for each of the webhooks. */
  newEvent(webhooks: readonly { readonly id: string }[], overrides: Partial<NewEvent> = {}): NewEvent {
    return {
      id: this.newId(),
      tenantId,
      type: 'order.created',
      body: '{"order":1}',
      contentType: 'application/json',
      deliveries: webhooks.map((webhook) => ({ id: this.newId(), webhookId: webhook.id })),
      ...overrides,
    }
  }

  /** Finds the webhooks of a tenant that have one of the patterns. */
  async match(patterns: readonly string[], ofTenantId = tenantId): Promise<WebhookMatch[]> {
    return only(await this.storage.matchWebhooks([{ tenantId: ofTenantId, patterns }]))
  }

  /** Enqueues `count` events for one webhook in one call; returns the ids of their deliveries. */
  async enqueue(webhook: { readonly id: string }, count: number, overrides: Partial<NewEvent> = {}): Promise<string[]> {
    const events = Array.from({ length: count }, () => this.newEvent([webhook], overrides))
    await this.storage.enqueue(events)
    return events.flatMap((event) => event.deliveries.map((delivery) => delivery.id))
  }

  /** Claims; asks again while the storage says that more may be due already. */
  async claim(limit: number, options: { leaseMs?: number; ids?: readonly string[] } = {}): Promise<Claimed[]> {
    for (let call = 0; call < 100; call++) {
      const { claimed, nextDueInMs } = await this.storage.claim({ limit, leaseMs: 30_000, ...options })
      if (claimed.length > 0 || nextDueInMs !== 0 || options.ids !== undefined) return claimed
    }
    throw new assert.AssertionError({ message: 'claim gave nothing out in 100 calls and kept answering nextDueInMs 0' })
  }

  /** Enqueues one delivery and claims it. */
  async claimNew(webhook: { readonly id: string }, leaseMs = 30_000): Promise<Claimed> {
    const [id] = await this.enqueue(webhook, 1)
    assert.ok(id !== undefined)
    return only(await this.claim(1, { leaseMs, ids: [id] }))
  }

  /** Reads a delivery that must be there. */
  async delivery(id: string): Promise<Delivery> {
    const delivery = await this.storage.getDelivery(id, tenantId)
    assert.ok(delivery !== null, `delivery ${id} is there`)
    return delivery
  }

  /** Reads the recorded attempts of a delivery. */
  async attempts(deliveryId: string): Promise<Attempt[]> {
    const page = await this.storage.listAttempts({ tenantId, deliveryId, limit: 100 })
    return page.data
  }

  newAttempt(number: number, overrides: Partial<NewAttempt> = {}): NewAttempt {
    return {
      number,
      trigger: 'auto',
      startedAt: this.now(),
      durationMs: 12,
      status: 500,
      error: null,
      responseHeaders: { 'content-type': 'text/plain' },
      responseBody: 'no',
      ...overrides,
    }
  }

  /** Enqueues one delivery and brings it to an end. */
  async finish(webhook: { readonly id: string }, state: 'succeeded' | 'failed' = 'failed'): Promise<Claimed> {
    const claimed = await this.claimNew(webhook)
    const hold = { id: claimed.id, lease: claimed.lease, attempt: this.newAttempt(1) }
    const settlement =
      state === 'failed'
        ? ({ ...hold, outcome: 'failed', reason: 'exhausted' } as const)
        : ({ ...hold, outcome: 'succeeded' } as const)
    assert.deepEqual(await this.storage.settle([settlement]), [{ id: claimed.id, state }])
    return claimed
  }
}

/** Creates the adapter's storage and opens it. */
export async function openFixture(adapter: ConformanceAdapter): Promise<Fixture> {
  let nowMs = Date.UTC(2026, 0, 1)
  const storage = await adapter.createStorage({ clock: () => nowMs })
  await storage.open()
  const advance = async (ms: number) => {
    nowMs += ms
    await adapter.advance?.(ms)
  }
  return new Fixture(storage, () => new Date(nowMs), advance)
}

/** Returns the one row that there must be. */
export function only<T>(rows: readonly T[]): T {
  const [row] = rows
  assert.ok(row !== undefined && rows.length === 1, `expected one row, found ${rows.length}`)
  return row
}

/** Returns the ids of rows, sorted. */
export function idsOf(rows: readonly { readonly id: string }[]): string[] {
  return rows.map((row) => row.id).toSorted()
}

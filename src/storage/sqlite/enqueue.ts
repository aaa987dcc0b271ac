import { PosthornError } from '../../domain/error.ts'
import type { Now } from '../steady-clock.ts'
import type { Claimed, EnqueueResult, NewDelivery, NewEvent, StoredWebhook } from '../storage.ts'
import type { Connection } from './connection.ts'
import type { Phase } from './delivery-row.ts'
import { findKeyHolder, rememberKey } from './idempotency.ts'
import { freeSlots } from './lease.ts'
import { toStoredText } from './stored-text.ts'
import { findWebhook } from './webhooks.ts'

/** Writes events with their deliveries, and leases what `claimFor` asks for. One call is one Enqueue. */
export class Enqueue {
  readonly #connection: Connection
  readonly #now: Now
  readonly #claimFor: { readonly leaseMs: number; readonly limit: number }
  readonly #lanes = new Map<string, Lane>()
  readonly #claimed: Claimed[] = []

  constructor(
    connection: Connection,
    claimFor: { readonly leaseMs: number; readonly limit: number } | undefined,
    now: Now,
  ) {
    this.#connection = connection
    this.#claimFor = claimFor ?? { leaseMs: 0, limit: 0 }
    this.#now = now
  }

  write(events: readonly NewEvent[]): { results: EnqueueResult[]; claimed: Claimed[] } {
    const results = events.map((event) => this.#writeEvent(event))
    return { results, claimed: this.#claimed }
  }

  #writeEvent(event: NewEvent): EnqueueResult {
    if (isStored(this.#connection, event)) return { id: event.id, status: 'accepted' }
    const holder = findKeyHolder(this.#connection, event, this.#now.dueMs)
    if (holder !== null) return holder
    const eventSeq = insertEvent(this.#connection, event, this.#now.wallMs)
    rememberKey(this.#connection, event, this.#now.dueMs)
    for (const delivery of event.deliveries) this.#writeDelivery(event, eventSeq, delivery)
    return { id: event.id, status: 'accepted' }
  }

  #writeDelivery(event: NewEvent, eventSeq: number, delivery: NewDelivery): void {
    const lane = this.#lane(event.tenantId, delivery.webhookId)
    const start = this.#start(event, delivery, lane)
    insertDelivery(this.#connection, event, eventSeq, delivery, start, this.#now.wallMs)
    if (start.lease === null || lane.webhook === null) return
    lane.free--
    this.#claimed.push({
      id: delivery.id,
      lease: start.lease,
      attemptCount: 0,
      attemptsBefore: 0,
      claimCount: 1,
      trigger: 'auto',
      event: {
        id: event.id,
        tenantId: event.tenantId,
        type: event.type,
        body: event.body,
        contentType: event.contentType,
        idempotencyKey: event.idempotencyKey ?? null,
        createdAt: new Date(this.#now.wallMs),
      },
      webhook: lane.webhook,
    })
  }

  /** Where a new delivery stands. One for a webhook that is gone, or a foreign one, ends here: nothing could claim it. */
  #start(event: NewEvent, delivery: NewDelivery, lane: Lane): Start {
    const end = { dueAt: null, lease: null, leaseUntil: null, finishedAt: this.#now.wallMs }
    if (delivery.skip !== undefined) return { phase: 'skipped', reason: delivery.skip, ...end }
    if (lane.webhook === null) return { phase: 'cancelled', reason: 'deleted', ...end }
    const pending = { reason: null, finishedAt: null }
    const delayMs = event.delayMs ?? 0
    if (delayMs > 0) {
      return { phase: 'waiting', dueAt: this.#now.dueMs + delayMs, lease: null, leaseUntil: null, ...pending }
    }
    if (lane.free < 1 || this.#claimed.length >= this.#claimFor.limit) {
      return { phase: 'ready', dueAt: this.#now.dueMs, lease: null, leaseUntil: null, ...pending }
    }
    // Written as leased at once: to write it as ready and then lease it would cost two more index changes.
    const leaseUntil = this.#now.dueMs + this.#claimFor.leaseMs
    return { phase: 'leased', dueAt: null, lease: crypto.randomUUID(), leaseUntil, ...pending }
  }

  #lane(tenantId: string, webhookId: string): Lane {
    let lane = this.#lanes.get(webhookId)
    if (lane === undefined) {
      const webhook = findWebhook(this.#connection, webhookId)
      lane = { webhook, free: this.#claimFor.limit > 0 ? this.#freeSlots(webhook) : 0 }
      this.#lanes.set(webhookId, lane)
    }
    return lane.webhook?.tenantId === tenantId ? lane : { webhook: null, free: 0 }
  }

  #freeSlots(webhook: StoredWebhook | null): number {
    if (webhook === null || !webhook.isActive || Number(webhook.gateUntil ?? 0) > this.#now.dueMs) return 0
    return freeSlots(this.#connection, webhook, this.#now.dueMs)
  }
}

interface Lane {
  readonly webhook: StoredWebhook | null
  free: number
}

interface Start {
  readonly phase: Phase
  readonly reason: string | null
  readonly dueAt: number | null
  readonly lease: string | null
  readonly leaseUntil: number | null
  readonly finishedAt: number | null
}

function isStored(connection: Connection, event: NewEvent): boolean {
  const sql = 'SELECT 1 FROM posthorn_events WHERE tenant_id = ? AND id = ?'
  return connection.first(sql, event.tenantId, event.id) !== undefined
}

function insertEvent(connection: Connection, event: NewEvent, now: number): number {
  const { seq } = connection.one<{ seq: number }>(
    `INSERT INTO posthorn_events (tenant_id, id, type, content_type, idempotency_key, created_at)
     VALUES (?, ?, ?, ?, ?, ?) RETURNING seq`,
    event.tenantId,
    event.id,
    event.type,
    event.contentType,
    event.idempotencyKey ?? null,
    now,
  )
  connection.run('INSERT INTO posthorn_bodies (event_seq, body) VALUES (?, ?)', seq, toStoredText(event.body))
  return seq
}

function insertDelivery(
  connection: Connection,
  event: NewEvent,
  eventSeq: number,
  delivery: NewDelivery,
  start: Start,
  now: number,
): void {
  const written = connection.run(
    `INSERT INTO posthorn_deliveries (id, event_seq, webhook_id, tenant_id, phase, reason, attempt_count, attempts_before,
       claim_count, is_manual, due_at, lease, lease_until, last_status, created_at, finished_at)
     VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, 0, ?, ?, ?, NULL, ?, ?) ON CONFLICT DO NOTHING`,
    delivery.id,
    eventSeq,
    delivery.webhookId,
    event.tenantId,
    start.phase,
    start.reason,
    start.lease === null ? 0 : 1,
    start.dueAt,
    start.lease,
    start.leaseUntil,
    now,
    start.finishedAt,
  )
  if (written > 0) return
  throw new PosthornError(
    'CONFLICT',
    `Delivery ${delivery.id} of event ${event.id} cannot be written: its id is taken, or the event has another delivery to ` +
      `webhook ${delivery.webhookId}. Nothing of the batch was written; give every delivery a new id and each webhook one.`,
  )
}

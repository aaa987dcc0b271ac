import { firstClaim } from '../first-claim.ts'
import { PosthornError } from '../../domain/error.ts'
import type { Now } from '../steady-clock.ts'
import type { Claimed, EnqueueResult, NewDelivery, NewEvent, StoredWebhook } from '../storage.ts'
import { BatchLanes } from './batch-lanes.ts'
import { BulkInsert } from './bulk-insert.ts'
import type { Connection } from './connection.ts'
import type { Phase } from './delivery-row.ts'
import { findKeyHolder, rememberKey } from './idempotency.ts'
import type { SqliteValue } from './sqlite-value.ts'
import { toStoredText } from './stored-text.ts'

/** Writes events with their deliveries, and leases what `claimFor` asks for. One call is one Enqueue. */
export class Enqueue {
  readonly #connection: Connection
  readonly #now: Now
  readonly #claimFor: { readonly leaseMs: number; readonly limit: number }
  readonly #lease = crypto.randomUUID()
  readonly #claimed: Claimed[] = []
  readonly #added: AddedDelivery[] = []
  readonly #deliveryValues: SqliteValue[] = []

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
    const fresh = new Map<string, NewEvent>()
    const results = events.map((event) => this.#judge(event, fresh))
    const stored = insertEvents(this.#connection, [...fresh.values()], this.#now.wallMs)
    const lanes = new BatchLanes(this.#connection, webhookIdsOf(stored), this.#now.dueMs)
    for (const { event, seq } of stored) {
      for (const delivery of event.deliveries) this.#addDelivery(event, seq, delivery, lanes)
    }
    const written = deliveryInsert.write(this.#connection, this.#deliveryValues)
    if (written < this.#added.length) throw conflict(this.#connection, this.#added)
    return { results, claimed: this.#claimed }
  }

  /** What becomes of an event; where it is accepted and may be new, it is put to `fresh`. */
  #judge(event: NewEvent, fresh: Map<string, NewEvent>): EnqueueResult {
    const { id, tenantId, idempotencyKey } = event
    const name = `${id} ${tenantId}`
    if (fresh.has(name)) return { id, status: 'accepted' }
    if (idempotencyKey !== undefined) {
      if (seqOf(this.#connection, event) !== null) return { id, status: 'accepted' }
      const holder = findKeyHolder(this.#connection, event, this.#now.dueMs)
      if (holder !== null) return holder
      rememberKey(this.#connection, event, this.#now.dueMs)
    }
    fresh.set(name, event)
    return { id, status: 'accepted' }
  }

  #addDelivery(event: NewEvent, eventSeq: number, delivery: NewDelivery, lanes: BatchLanes): void {
    const start = this.#start(event, delivery, lanes)
    const { webhook } = start
    this.#added.push({ event, seq: eventSeq, delivery })
    this.#deliveryValues.push(
      delivery.id,
      eventSeq,
      delivery.webhookId,
      event.tenantId,
      start.phase,
      start.reason,
      webhook === null ? 0 : 1,
      start.dueAt,
      webhook === null ? null : this.#lease,
      start.leaseUntil,
      this.#now.wallMs,
      start.finishedAt,
    )
    if (webhook !== null) this.#claimed.push(firstClaim(delivery.id, this.#lease, event, webhook, this.#now.wallMs))
  }

  /** Where a new delivery stands. One for a webhook that is gone, or a foreign one, ends here: nothing could claim it. */
  #start({ tenantId, delayMs = 0 }: NewEvent, { webhookId, skip }: NewDelivery, lanes: BatchLanes): Start {
    const { dueMs, wallMs } = this.#now
    const none = { reason: null, webhook: null, dueAt: null, leaseUntil: null, finishedAt: null }
    if (skip !== undefined) return { ...none, phase: 'skipped', reason: skip, finishedAt: wallMs }
    const room = delayMs > 0 ? 0 : this.#claimFor.limit - this.#claimed.length
    const lane = room > 0 ? lanes.open(webhookId, tenantId, room) : null
    if (lane === null && (room > 0 || !lanes.has(webhookId, tenantId))) {
      return { ...none, phase: 'cancelled', reason: 'deleted', finishedAt: wallMs }
    }
    if (delayMs > 0) return { ...none, phase: 'waiting', dueAt: dueMs + delayMs }
    if (lane === null || lane.free < 1) return { ...none, phase: 'ready', dueAt: dueMs }
    lane.free--
    // Written as leased at once: to write it as ready and then lease it would cost two more index changes.
    return { ...none, phase: 'leased', webhook: lane.webhook, leaseUntil: dueMs + this.#claimFor.leaseMs }
  }
}

interface Start {
  readonly phase: Phase
  readonly reason: string | null
  /** The webhook of a delivery that is leased at once. */
  readonly webhook: StoredWebhook | null
  readonly dueAt: number | null
  readonly leaseUntil: number | null
  readonly finishedAt: number | null
}

const eventInsert = new BulkInsert({
  into: 'posthorn_events (seq, tenant_id, id, type, content_type, idempotency_key, created_at)',
  row: '(?, ?, ?, ?, ?, ?, ?)',
  tail: 'ON CONFLICT (tenant_id, id) DO NOTHING',
})

const bodyInsert = new BulkInsert({ into: 'posthorn_bodies (event_seq, body)', row: '(?, ?)' })

const deliveryInsert = new BulkInsert({
  into: `posthorn_deliveries (id, event_seq, webhook_id, tenant_id, phase, reason, attempt_count, attempts_before,
    claim_count, is_manual, due_at, lease, lease_until, last_status, created_at, finished_at)`,
  row: '(?, ?, ?, ?, ?, ?, 0, 0, ?, 0, ?, ?, ?, NULL, ?, ?)',
  tail: 'ON CONFLICT DO NOTHING',
})

interface StoredEvent {
  readonly event: NewEvent
  readonly seq: number
}

interface AddedDelivery extends StoredEvent {
  readonly delivery: NewDelivery
}

/** The webhooks that deliveries go to, in their order. */
function webhookIdsOf(events: readonly StoredEvent[]): string[] {
  const deliveries = events.flatMap(({ event }) => event.deliveries)
  return deliveries.filter(({ skip }) => skip === undefined).map(({ webhookId }) => webhookId)
}

function seqOf(connection: Connection, { tenantId, id }: NewEvent): number | null {
  const sql = 'SELECT seq FROM posthorn_events WHERE tenant_id = ? AND id = ?'
  return connection.first<{ seq: number }>(sql, tenantId, id)?.seq ?? null
}

/** Writes those of the events that are not stored yet, and answers these. */
function insertEvents(connection: Connection, events: readonly NewEvent[], now: number): StoredEvent[] {
  if (events.length === 0) return []
  // Within a transaction that writes, so nobody else takes these.
  const { last } = connection.one<{ last: number }>('SELECT ifnull(max(seq), 0) AS last FROM posthorn_events')
  const numbered = events.map((event, index) => ({ event, seq: last + 1 + index }))
  const values = numbered.flatMap(({ event, seq }) => {
    const { tenantId, id, type, contentType, idempotencyKey = null } = event
    return [seq, tenantId, id, type, contentType, idempotencyKey, now]
  })
  const isNew = eventInsert.write(connection, values) === events.length
  const stored = isNew ? numbered : numbered.filter(({ event, seq }) => seqOf(connection, event) === seq)
  bodyInsert.write(
    connection,
    stored.flatMap(({ event, seq }) => [seq, toStoredText(event.body)]),
  )
  return stored
}

/** Names the delivery that could not be written: the first one that does not stand as it was given. */
function conflict(connection: Connection, deliveries: readonly AddedDelivery[]): PosthornError {
  const sql = 'SELECT event_seq AS seq, webhook_id AS webhookId FROM posthorn_deliveries WHERE id = ?'
  const seen = new Set<string>()
  const bad = deliveries.find(({ delivery, seq }) => {
    const stored = connection.first<{ seq: number; webhookId: string }>(sql, delivery.id)
    if (seen.has(delivery.id)) return true
    seen.add(delivery.id)
    return stored?.seq !== seq || stored.webhookId !== delivery.webhookId
  })
  return new PosthornError(
    'CONFLICT',
    `Delivery ${bad?.delivery.id} of event ${bad?.event.id} cannot be written: its id is taken, or the event has another ` +
      `delivery to webhook ${bad?.delivery.webhookId}. Nothing of the batch was written; give every delivery a new id and ` +
      'each webhook one.',
  )
}

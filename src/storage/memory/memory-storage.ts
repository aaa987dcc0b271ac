import type { Attempt, Delivery, Page, WebhookEvent } from '../../domain/delivery.ts'
import type { Clock } from '../../domain/clock.ts'
import { PosthornError } from '../../domain/error.ts'
import { decodeCursor, decodeNumberCursor, pageOf } from '../cursor.ts'
import { SteadyClock } from '../steady-clock.ts'
import type { OverdueQuery, PageQuery, WebhookMatch } from '../query.ts'
import type { LeaseRef, Settled, Settlement } from '../settlement.ts'
import type {
  BulkResult,
  Claimed,
  EnqueueResult,
  NewEvent,
  Storage,
  StorageStats,
  StoredWebhook,
  WebhookPatch,
} from '../storage.ts'
import { changeDeliveries } from './bulk-change.ts'
import { claimDue, claimIds } from './claim.ts'
import { copyAttempt, isHeld, toDelivery } from './delivery-row.ts'
import { enqueue } from './enqueue.ts'
import { toEvent } from './event-row.ts'
import { listDeliveries, listEvents, pageWhere } from './listing.ts'
import { overdue } from './overdue.ts'
import { purge } from './purge.ts'
import { renew, settle } from './settle.ts'
import { stats } from './stats.ts'
import { Tables } from './tables.ts'
import { copyWebhook } from './webhook-table.ts'

/** How {@link memoryStorage} is set up. */
export interface MemoryStorageOptions {
  /**
   * Tells the time; the system's as it was when the process started, counted on steadily, unless given. Where another clock steps back,
   * the storage's time goes on from where it was.
   */
  readonly clock?: Clock
  /** Gives numbers from 0 up to 1 for the spread of requeued deliveries; `Math.random` unless given. */
  readonly random?: () => number
  /**
   * How many final deliveries are kept, at least 1; 10,000 unless given. Above that the oldest final ones are dropped with their
   * attempts, and an event with the last of its deliveries; earlier where the history holds more than 64 Mi characters of bodies and
   * answers. Pending ones are never dropped.
   */
  readonly maxFinished?: number
}

/**
 * Creates a storage in the memory of this process: for development, tests, and events whose loss on a restart is acceptable.
 * Memory stays flat: what is pending, and a bounded history.
 *
 * @throws TypeError, RangeError where an option is wrong.
 */
export function memoryStorage(options: MemoryStorageOptions = {}): Storage {
  const { clock = steadyClock, random = Math.random, maxFinished = 10_000 } = options
  if (typeof clock !== 'function') throw new TypeError(`clock must be a function, got ${typeof clock}`)
  if (typeof random !== 'function') throw new TypeError(`random must be a function, got ${typeof random}`)
  if (!Number.isSafeInteger(maxFinished) || maxFinished < 1) {
    throw new RangeError(`maxFinished must be a whole number from 1, got ${String(maxFinished)}`)
  }
  return new MemoryStorage(clock, random, maxFinished)
}

// What is due must not become undue because somebody set the system's clock back.
function steadyClock(): number {
  return Math.floor(performance.timeOrigin + performance.now())
}

class MemoryStorage implements Storage {
  readonly contract = 1
  readonly name = 'memory'
  readonly capabilities = { durability: 'none', scope: 'process', transactions: 'none' } as const
  readonly #steady: SteadyClock
  readonly #random: () => number
  readonly #tables: Tables

  constructor(clock: Clock, random: () => number, maxFinished: number) {
    this.#steady = new SteadyClock(clock)
    this.#random = random
    this.#tables = new Tables(maxFinished)
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async insertWebhook(webhook: StoredWebhook): Promise<void> {
    if (this.#tables.webhooks.has(webhook.id)) {
      throw new PosthornError('CONFLICT', `Webhook ${webhook.id} exists already. Give every webhook a new id.`)
    }
    this.#tables.webhooks.insert(copyWebhook(webhook))
    this.#tables.lanes.rearrange(webhook, this.#nowMs())
  }

  async getWebhook(id: string, tenantId: string): Promise<StoredWebhook | null> {
    const webhook = this.#tables.webhooks.get(id, tenantId)
    return webhook === null ? null : copyWebhook(webhook)
  }

  async updateWebhook(
    id: string,
    tenantId: string,
    patch: WebhookPatch,
    ifVersion?: number,
  ): Promise<StoredWebhook | null> {
    const webhook = this.#tables.webhooks.get(id, tenantId)
    if (webhook === null) return null
    if (ifVersion !== undefined && ifVersion !== webhook.version) {
      throw new PosthornError(
        'CONFLICT',
        `Webhook ${id} is at version ${webhook.version}, not ${ifVersion}. Read it again and repeat the change.`,
      )
    }
    const { gateUntil } = webhook
    this.#replace(copyWebhook({ ...webhook, ...patch, id, tenantId, gateUntil, version: webhook.version + 1 }))
    return this.getWebhook(id, tenantId)
  }

  async deleteWebhook(id: string, tenantId: string): Promise<boolean> {
    const webhook = this.#tables.webhooks.get(id, tenantId)
    if (webhook === null) return false
    this.#tables.webhooks.remove(webhook)
    this.#tables.lanes.rearrange(webhook, this.#nowMs())
    return true
  }

  async listWebhooks(query: Parameters<Storage['listWebhooks']>[0]): Promise<Page<StoredWebhook>> {
    const { tenantId, isActive, order = 'desc' } = query
    const rows = this.#tables.webhooks.walk(tenantId, decodeCursor(query.cursor), order)
    const page = pageWhere(rows, query, (webhook) => isActive === undefined || webhook.isActive === isActive)
    return { ...page, data: page.data.map(copyWebhook) }
  }

  async listAllWebhooks(query: PageQuery): Promise<Page<StoredWebhook>> {
    const rows = this.#tables.webhooks.walkAll(decodeCursor(query.cursor), query.order ?? 'desc')
    const page = pageWhere(rows, query, () => true)
    return { ...page, data: page.data.map(copyWebhook) }
  }

  async countWebhooks(tenantId: string): Promise<number> {
    return this.#tables.webhooks.count(tenantId)
  }

  async matchWebhooks(queries: Parameters<Storage['matchWebhooks']>[0]): Promise<WebhookMatch[][]> {
    return queries.map(({ tenantId, patterns }) => this.#tables.webhooks.match(tenantId, patterns))
  }

  async gate(id: string, forMs: number | null): Promise<void> {
    const webhook = this.#tables.webhooks.find(id)
    if (webhook === null) return
    const until = forMs === null ? null : new Date(Math.max(this.#nowMs() + forMs, Number(webhook.gateUntil)))
    this.#replace({ ...webhook, gateUntil: until })
  }

  async enqueue(
    events: readonly NewEvent[],
    options: Parameters<Storage['enqueue']>[1] = {},
  ): Promise<{ results: EnqueueResult[]; claimed: Claimed[] }> {
    return enqueue(this.#tables, events, options.claimFor, this.#nowMs())
  }

  async claim(query: Parameters<Storage['claim']>[0]): Promise<{ claimed: Claimed[]; nextDueInMs: number | null }> {
    const { limit, leaseMs, ids } = query
    const nowMs = this.#nowMs()
    const claimed =
      ids === undefined
        ? claimDue(this.#tables, limit, leaseMs, nowMs)
        : claimIds(this.#tables, new Set(ids), limit, leaseMs, nowMs)
    return { claimed, nextDueInMs: this.#tables.lanes.nextDueInMs(nowMs) }
  }

  async overdue({ limit, byMs }: OverdueQuery): Promise<string[]> {
    const nowMs = this.#nowMs()
    return overdue(this.#tables, limit, nowMs - byMs, nowMs)
  }

  async renew(leases: readonly LeaseRef[], leaseMs: number): Promise<string[]> {
    const nowMs = this.#nowMs()
    return leases.filter((hold) => renew(this.#tables, hold, leaseMs, nowMs)).map((hold) => hold.id)
  }

  async settle(settlements: readonly Settlement[]): Promise<Settled[]> {
    const nowMs = this.#nowMs()
    const settled: Settled[] = []
    for (const settlement of settlements) {
      const result = settle(this.#tables, settlement, nowMs)
      if (result !== null) settled.push(result)
    }
    return settled
  }

  async requeue(query: Parameters<Storage['requeue']>[0]): Promise<BulkResult> {
    const nowMs = this.#nowMs()
    const { spreadMs = 0 } = query
    return changeDeliveries(this.#tables, query, (row) => {
      if (row.state === 'pending') return false
      this.#tables.revive(row, nowMs + Math.floor(this.#random() * spreadMs), nowMs)
      return true
    })
  }

  async cancel(query: Parameters<Storage['cancel']>[0]): Promise<BulkResult> {
    const nowMs = this.#nowMs()
    return changeDeliveries(this.#tables, query, (row) => {
      if (row.state !== 'pending' || isHeld(row, nowMs)) return false
      this.#tables.finish(row, 'cancelled', query.reason, nowMs)
      return true
    })
  }

  async getEvent(id: string, tenantId: string): Promise<WebhookEvent | null> {
    const row = this.#tables.findEvent(id, tenantId)
    return row === undefined ? null : toEvent(row)
  }

  async getDelivery(id: string, tenantId: string): Promise<Delivery | null> {
    const row = this.#tables.findDelivery(id)
    return row?.event.tenantId === tenantId ? toDelivery(row, this.#nowMs()) : null
  }

  async listEvents(query: Parameters<Storage['listEvents']>[0]): Promise<Page<WebhookEvent>> {
    return listEvents(this.#tables, query)
  }

  async listDeliveries(query: Parameters<Storage['listDeliveries']>[0]): Promise<Page<Delivery>> {
    return listDeliveries(this.#tables, query, this.#nowMs())
  }

  async listAttempts(query: Parameters<Storage['listAttempts']>[0]): Promise<Page<Attempt>> {
    const cursor = decodeNumberCursor(query.cursor)
    const row = this.#tables.findDelivery(query.deliveryId)
    const attempts = row?.event.tenantId === query.tenantId ? row.attempts : []
    const isDescending = query.order === 'desc'
    const rest = (isDescending ? attempts.toReversed() : attempts).filter(
      ({ number }) => cursor === null || (isDescending ? number < cursor : number > cursor),
    )
    return pageOf(
      rest.slice(0, query.limit + 1).map((attempt) => copyAttempt(attempt, attempt.deliveryId)),
      query.limit,
      ({ number }) => String(number),
    )
  }

  async stats(query: Parameters<Storage['stats']>[0]): Promise<StorageStats> {
    return stats(this.#tables, query, this.#nowMs())
  }

  async purge(query: Parameters<Storage['purge']>[0]): Promise<{ removed: number; isDone: boolean }> {
    return purge(this.#tables, query, this.#nowMs())
  }

  #nowMs(): number {
    return this.#steady.now().dueMs
  }

  #replace(webhook: StoredWebhook): void {
    this.#tables.webhooks.replace(webhook)
    this.#tables.lanes.rearrange(webhook, this.#nowMs())
  }
}

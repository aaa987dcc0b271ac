import type { LeaseRef, NewEvent, Settlement, Storage, StoredWebhook, WebhookPatch } from 'posthorn'
import { cancel, requeue } from './bulk.ts'
import { claim, overdue } from './claim.ts'
import { eventKey, toDelivery } from './document.ts'
import { enqueue } from './enqueue.ts'
import { DocumentFile } from './document-file.ts'
import { pageById, pageByNumber } from './page.ts'
import { purge } from './purge.ts'
import { isSelected, isWithin } from './selection.ts'
import { renew, settle } from './settle.ts'
import { stats } from './stats.ts'
import { deleteWebhook, gate, insertWebhook, matchWebhooks, updateWebhook, webhookOf } from './webhooks.ts'

/** What {@link fileStorage} may be given beside the path. */
export interface FileStorageOptions {
  /** Tells the time in milliseconds; `Date.now` unless given. */
  readonly clock?: () => number
}

/**
 * A whole storage adapter, as plain as it can be written: all rows in one file, for a tool on one's own machine with a few thousand
 * deliveries. Every method of the port is a function over the rows (`Document`); every write is on the disk before its promise
 * resolves. Read it to see what each method owes its caller, then write the same against your database: a step on rows becomes a
 * statement, {@link DocumentFile.write} a transaction, and `storageConformance` tells what is still missing. What a database adds
 * is what this one has not: indexes (each call here reads everything) and other processes (two that open one file overwrite
 * each other).
 */
export function fileStorage(path: string, options: FileStorageOptions = {}): Storage {
  if (typeof path !== 'string' || path === '') throw new TypeError('fileStorage needs the path of its file.')
  const { clock = Date.now } = options
  if (typeof clock !== 'function') throw new TypeError(`clock must be a function, not ${typeof clock}.`)
  return new FileStorage(new DocumentFile(path), clock)
}

class FileStorage implements Storage {
  readonly contract = 1
  readonly name = 'file'
  readonly capabilities = { durability: 'disk', scope: 'process', transactions: 'none' } as const
  readonly #file: DocumentFile
  readonly #clock: () => number

  constructor(file: DocumentFile, clock: () => number) {
    this.#file = file
    this.#clock = clock
  }

  async open() {
    this.#file.open()
  }

  async close() {
    this.#file.close()
  }

  async insertWebhook(webhook: StoredWebhook) {
    this.#file.write((document) => insertWebhook(document, webhook))
  }

  async getWebhook(id: string, tenantId: string) {
    return this.#file.read((document) => webhookOf(document, id, tenantId))
  }

  async updateWebhook(id: string, tenantId: string, patch: WebhookPatch, ifVersion?: number) {
    return this.#file.write((document) => updateWebhook(document, id, tenantId, patch, ifVersion))
  }

  async deleteWebhook(id: string, tenantId: string) {
    return this.#file.write((document) => deleteWebhook(document, id, tenantId))
  }

  async listWebhooks(query: Parameters<Storage['listWebhooks']>[0]) {
    const { tenantId, isActive } = query
    const isListed = (webhook: StoredWebhook) =>
      webhook.tenantId === tenantId && (isActive === undefined || webhook.isActive === isActive)
    return this.#file.read(({ webhooks }) => pageById([...webhooks.values()].filter(isListed), query))
  }

  async listAllWebhooks(query: Parameters<Storage['listAllWebhooks']>[0]) {
    return this.#file.read(({ webhooks }) => pageById([...webhooks.values()], query))
  }

  async countWebhooks(tenantId: string) {
    const isCounted = (webhook: StoredWebhook) => webhook.tenantId === tenantId
    return this.#file.read(({ webhooks }) => [...webhooks.values()].filter(isCounted).length)
  }

  async matchWebhooks(queries: Parameters<Storage['matchWebhooks']>[0]) {
    return this.#file.read((document) => queries.map((query) => matchWebhooks(document, query)))
  }

  async gate(id: string, forMs: number | null) {
    this.#file.write((document) => gate(document, id, forMs === null ? null : new Date(this.#clock() + forMs)))
  }

  async enqueue(events: readonly NewEvent[], options: Parameters<Storage['enqueue']>[1] = {}) {
    return this.#file.write((document) => enqueue(document, events, options.claimFor, this.#clock()))
  }

  async claim(query: Parameters<Storage['claim']>[0]) {
    return this.#file.write((document) => claim(document, query, this.#clock()))
  }

  async overdue(query: Parameters<Storage['overdue']>[0]) {
    return this.#file.write((document) => overdue(document, query, this.#clock()))
  }

  async renew(leases: readonly LeaseRef[], leaseMs: number) {
    return this.#file.write((document) => renew(document, leases, leaseMs, this.#clock()))
  }

  async settle(settlements: readonly Settlement[]) {
    return this.#file.write((document) => settle(document, settlements, this.#clock()))
  }

  async requeue(query: Parameters<Storage['requeue']>[0]) {
    return this.#file.write((document) => requeue(document, query, this.#clock()))
  }

  async cancel(query: Parameters<Storage['cancel']>[0]) {
    return this.#file.write((document) => cancel(document, query, this.#clock()))
  }

  async getEvent(id: string, tenantId: string) {
    return this.#file.read(({ events }) => events.get(eventKey(tenantId, id))) ?? null
  }

  async getDelivery(id: string, tenantId: string) {
    const row = this.#file.read(({ deliveries }) => deliveries.get(id))
    return row?.tenantId === tenantId ? toDelivery(row, this.#clock()) : null
  }

  async listEvents(query: Parameters<Storage['listEvents']>[0]) {
    const { events } = this.#file.read((document) => document)
    const listed = [...events.values()].filter(
      (event) =>
        event.tenantId === query.tenantId &&
        (query.type === undefined || event.type === query.type) &&
        isWithin(event, query),
    )
    return pageById(listed, query)
  }

  async listDeliveries(query: Parameters<Storage['listDeliveries']>[0]) {
    const { deliveries } = this.#file.read((document) => document)
    const page = pageById(
      [...deliveries.values()].filter((row) => isSelected(row, query)),
      query,
    )
    return { ...page, data: page.data.map((row) => toDelivery(row, this.#clock())) }
  }

  async listAttempts(query: Parameters<Storage['listAttempts']>[0]) {
    const row = this.#file.read(({ deliveries }) => deliveries.get(query.deliveryId))
    return pageByNumber(row?.tenantId === query.tenantId ? row.attempts : [], query)
  }

  async stats(query: Parameters<Storage['stats']>[0]) {
    return this.#file.read((document) => stats(document, query, this.#clock()))
  }

  async purge(query: Parameters<Storage['purge']>[0]) {
    return this.#file.write((document) => purge(document, query, this.#clock()))
  }
}

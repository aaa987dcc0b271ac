import type { Clock } from '../../domain/clock.ts'
import { PosthornError } from '../../domain/error.ts'
import type { EnqueueOptions, MatchWebhooks, OverdueQuery, PageQuery, TransactionOptions } from '../query.ts'
import type { LeaseRef, Settlement } from '../settlement.ts'
import type { Now } from '../steady-clock.ts'
import type { NewEvent, Storage, StoredWebhook, WebhookPatch } from '../storage.ts'
import { cancel, requeue } from './bulk.ts'
import { claimIds } from './claim-ids.ts'
import type { Connection } from './connection.ts'
import { nextDueInMs } from './due.ts'
import { Enqueue } from './enqueue.ts'
import { getDelivery, getEvent, listAttempts, listDeliveries, listEvents } from './listings.ts'
import { renew } from './renew.ts'
import { openSession, type Session } from './session.ts'
import { settleAll } from './settle.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { stats } from './stats.ts'
import {
  countWebhooks,
  deleteWebhook,
  gate,
  getWebhook,
  insertWebhook,
  listAllWebhooks,
  listWebhooks,
  matchWebhooks,
  updateWebhook,
} from './webhooks.ts'

/** What {@link sqliteStorage} may be given beside the database. */
export interface SqliteStorageOptions {
  /**
   * Tells the time; `Date.now` unless given. Processes that share a file must agree on it. Due dates and leases go by it until it steps
   * back, and on from where it was from then on.
   */
  readonly clock?: Clock
  /** Gives numbers from 0 (included) to 1 (excluded) that spread requeued deliveries; `Math.random` unless given. */
  readonly random?: () => number
  /**
   * How long an operation waits for another process to finish writing, in milliseconds, 0 to 3,600,000; 5,000 unless given. SQLite
   * waits synchronously, so this is also how long the event loop may stand still.
   */
  readonly busyTimeoutMs?: number
}

/**
 * Creates a storage in a SQLite database: what was accepted survives a crash of the process and of the machine (WAL mode,
 * `synchronous=FULL`), and the processes of one host may share the file. Its tables begin with `posthorn_`; they are created and
 * brought up to date when it is opened, which the first use does unless {@link Storage.open} was called before.
 *
 * A path is opened with `node:sqlite`, which needs Node 22.13 or later; `:memory:` keeps nothing. An open database is used as it
 * is and left open by {@link Storage.close}; its connection is set to WAL, `synchronous=FULL` and the busy timeout.
 *
 * `tx` is the open database itself, while a transaction is open on it (`BEGIN IMMEDIATE` before, `COMMIT` after). As long as it is,
 * the storage's own writes wait, up to the busy timeout. A rejected call leaves it to the caller to roll back.
 *
 * Every method rejects with a {@link PosthornError}: `STORAGE_UNAVAILABLE` where there is no driver, the file cannot be opened or
 * the storage is closed; `STORAGE_SCHEMA` where a newer release wrote the tables; `STORAGE_FAILED` where SQLite refuses an
 * operation (locked for too long, disk full): nothing of it is written then, and the storage stays usable.
 *
 * @param pathOrDatabase - A file path, or an open database of `node:sqlite`, better-sqlite3 or libsql.
 * @throws TypeError, RangeError for a wrong argument or option.
 */
export function sqliteStorage(pathOrDatabase: string | SqliteDatabase, options: SqliteStorageOptions = {}): Storage {
  return new SqliteStorage(pathOrDatabase, options)
}

class SqliteStorage implements Storage {
  readonly contract = 1
  readonly name = 'sqlite'
  readonly capabilities: Storage['capabilities']
  readonly #source: string | SqliteDatabase
  readonly #clock: Clock
  readonly #random: () => number
  readonly #busyTimeoutMs: number
  #session: Session | null = null
  #isClosed = false

  constructor(source: string | SqliteDatabase, options: SqliteStorageOptions) {
    assertSource(source)
    const { clock = Date.now, random = Math.random, busyTimeoutMs = 5000 } = options
    assertFunction('clock', clock)
    assertFunction('random', random)
    if (!Number.isSafeInteger(busyTimeoutMs) || busyTimeoutMs < 0 || busyTimeoutMs > 3_600_000) {
      throw new RangeError(`busyTimeoutMs must be a whole number from 0 to 3600000, not ${String(busyTimeoutMs)}.`)
    }
    this.#source = source
    this.#clock = clock
    this.#random = random
    this.#busyTimeoutMs = busyTimeoutMs
    this.capabilities =
      source === ':memory:'
        ? { durability: 'none', scope: 'process', transactions: 'none' }
        : { durability: 'disk', scope: 'host', transactions: 'caller' }
  }

  async open(): Promise<void> {
    this.#isClosed = false
    this.#opened()
  }

  async close(): Promise<void> {
    const session = this.#session
    this.#isClosed = true
    this.#session = null
    session?.group.flush()
    session?.release()
  }

  async insertWebhook(webhook: StoredWebhook, { tx }: TransactionOptions = {}) {
    if (tx !== undefined) return this.#join(tx, (connection) => insertWebhook(connection, webhook))
    await this.#write((connection) => insertWebhook(connection, webhook))
  }

  async getWebhook(id: string, tenantId: string) {
    return this.#read((connection) => getWebhook(connection, id, tenantId))
  }

  async updateWebhook(id: string, tenantId: string, patch: WebhookPatch, ifVersion?: number) {
    return await this.#write((connection) => updateWebhook(connection, id, tenantId, patch, ifVersion))
  }

  async deleteWebhook(id: string, tenantId: string) {
    return await this.#write((connection) => deleteWebhook(connection, id, tenantId))
  }

  async listWebhooks(query: Parameters<Storage['listWebhooks']>[0]) {
    return this.#read((connection) => listWebhooks(connection, query))
  }

  async listAllWebhooks(query: PageQuery) {
    return this.#read((connection) => listAllWebhooks(connection, query))
  }

  async countWebhooks(tenantId: string) {
    return this.#read((connection) => countWebhooks(connection, tenantId))
  }

  async matchWebhooks(queries: readonly MatchWebhooks[], { tx }: TransactionOptions = {}) {
    const match = (connection: Connection) => queries.map((query) => matchWebhooks(connection, query))
    return tx === undefined ? this.#read(match) : this.#join(tx, match)
  }

  async gate(id: string, forMs: number | null) {
    await this.#write((connection, { dueMs }) => gate(connection, id, forMs === null ? null : dueMs + forMs))
  }

  async enqueue(events: readonly NewEvent[], options: EnqueueOptions = {}) {
    const { tx } = options
    if (tx !== undefined) return this.#join(tx, (joined, now) => new Enqueue(joined, undefined, now).write(events))
    const { group, connection, time } = this.#opened()
    return group.add(() => new Enqueue(connection, options.claimFor, time.now()).write(events))
  }

  async claim(query: Parameters<Storage['claim']>[0]) {
    const { claims, connection, joined, time, write } = this.#opened()
    const { ids, limit, leaseMs } = query
    return await joined.whenClosed(() => {
      if (ids !== undefined) return connection.guard(() => claimIds(connection, ids, limit, leaseMs, time.now()))
      const result = connection.guard(() => claims.claim(limit, leaseMs, time.now()))
      // While nothing is written, somebody has to keep the time that what waits goes by.
      if (result.nextDueInMs !== null && time.isStale) write(() => undefined)
      return result
    })
  }

  async overdue({ limit, byMs }: OverdueQuery) {
    const { connection, joined, overdue, time, write } = this.#opened()
    return await joined.whenClosed(() => {
      const ids = connection.guard(() => overdue.find(limit, byMs, time.now()))
      // As above: a process that sweeps may claim nothing for hours.
      if (time.isStale && nextDueInMs(connection, null, time.now().dueMs) !== null) write(() => undefined)
      return ids
    })
  }

  async renew(leases: readonly LeaseRef[], leaseMs: number) {
    return await this.#write((connection, { dueMs }) => renew(connection, leases, leaseMs, dueMs))
  }

  async settle(settlements: readonly Settlement[]) {
    const { group, connection, time } = this.#opened()
    return group.add(() => settleAll(connection, settlements, time.now()))
  }

  async requeue(query: Parameters<Storage['requeue']>[0]) {
    return await this.#write((connection, now) => requeue(connection, query, this.#random, now))
  }

  async cancel(query: Parameters<Storage['cancel']>[0]) {
    return await this.#write((connection, now) => cancel(connection, query, now))
  }

  async getEvent(id: string, tenantId: string) {
    return this.#read((connection) => getEvent(connection, id, tenantId))
  }

  async getDelivery(id: string, tenantId: string) {
    return this.#read((connection, now) => getDelivery(connection, id, tenantId, now))
  }

  async listEvents(query: Parameters<Storage['listEvents']>[0]) {
    return this.#read((connection) => listEvents(connection, query))
  }

  async listDeliveries(query: Parameters<Storage['listDeliveries']>[0]) {
    return this.#read((connection, now) => listDeliveries(connection, query, now))
  }

  async listAttempts(query: Parameters<Storage['listAttempts']>[0]) {
    return this.#read((connection) => listAttempts(connection, query))
  }

  async stats(query: Parameters<Storage['stats']>[0]) {
    return this.#read((connection, { dueMs }) => stats(connection, query, dueMs))
  }

  async purge(query: Parameters<Storage['purge']>[0]) {
    return await this.#write((_connection, now, { purge }) => purge.purge(query, now))
  }

  #read<T>(work: (connection: Connection, now: Now) => T): T {
    const { connection, time } = this.#opened()
    return connection.guard(() => work(connection, time.now()))
  }

  #join<T>(tx: unknown, work: (connection: Connection, now: Now) => T): T {
    const { joined, time } = this.#opened()
    const connection = joined.join(tx)
    return connection.guard(() => work(connection, time.now()))
  }

  async #write<T>(work: (connection: Connection, now: Now, session: Session) => T): Promise<T> {
    const session = this.#opened()
    return await session.joined.whenClosed(() =>
      session.write(() => work(session.connection, session.time.now(), session)),
    )
  }

  #opened(): Session {
    if (this.#isClosed) {
      throw new PosthornError('STORAGE_UNAVAILABLE', 'The SQLite storage is closed. Call open() to use it again.')
    }
    this.#session ??= openSession(this.#source, this.#clock, this.#busyTimeoutMs)
    return this.#session
  }
}

function assertSource(source: unknown): void {
  if (typeof source === 'string' && source !== '') return
  if (typeof source === 'object' && source !== null && hasMethod(source, 'exec') && hasMethod(source, 'prepare')) return
  throw new TypeError(
    'pathOrDatabase must be the path of a file, or an open database with exec and prepare, ' +
      `not ${source === '' ? 'an empty path' : typeof source}.`,
  )
}

function hasMethod(candidate: object, name: string): boolean {
  return typeof Reflect.get(candidate, name) === 'function'
}

function assertFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function, not ${typeof value}.`)
}

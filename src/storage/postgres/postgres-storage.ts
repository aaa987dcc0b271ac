import { PosthornError } from '../../domain/error.ts'
import type { EnqueueOptions, MatchWebhooks, OverdueQuery, PageQuery, TransactionOptions } from '../query.ts'
import type { SqlExecutor } from '../sql-executor.ts'
import type { LeaseRef, Settlement } from '../settlement.ts'
import type { NewEvent, Storage, StoredWebhook, WebhookPatch } from '../storage.ts'
import { cancel, requeue } from './bulk.ts'
import { claimIds } from './claim-ids.ts'
import { Claims } from './claim.ts'
import { Database } from './database.ts'
import { assertStatementTimeout, withDeadline } from './deadline.ts'
import { clientBehind } from './executors/executor.ts'
import { enqueue } from './enqueue.ts'
import { getDelivery, getEvent, listAttempts, listDeliveries, listEvents } from './listings.ts'
import { postgresMigrations } from './migrations.ts'
import { assertListener, isListening, listenOn, type PostgresListener } from './listener.ts'
import { assertSchemaName, type Names, namesIn } from './names.ts'
import { Overdue } from './overdue.ts'
import { closeIdle, type PostgresClient, survivePoolErrors, toExecutor } from './postgres-client.ts'
import { Purge } from './purge.ts'
import { renew } from './renew.ts'
import { assertVersion, migrate } from './schema.ts'
import { settle } from './settle.ts'
import { stats } from './stats.ts'
import { SteadyTime } from './steady-time.ts'
import { toTransaction } from './transaction.ts'
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

/** What {@link postgresStorage} may be given beside the client. */
export interface PostgresStorageOptions {
  /**
   * The database schema that holds the tables: 1 to 63 characters of a-z, 0-9 and `_`; `posthorn` unless given. Storages in different
   * schemas share nothing.
   */
  readonly schema?: string
  /**
   * How long a statement may take before it is given up with `STORAGE_UNAVAILABLE`, in milliseconds from 100 to an hour, or `Infinity`;
   * 10,000 unless given. It may have been carried out all the same: every operation may be repeated. A pool of pg closes the connection
   * that did not answer; give the pool a `connectionTimeoutMillis` too, since it waits for ever to connect unless it has one. With
   * other clients the statement is given up, and the connection is theirs to close. It holds neither for {@link PostgresStorage.migrate}
   * nor within a caller's transaction.
   */
  readonly statementTimeoutMs?: number
  /**
   * Whether writes of deliveries that are due notify the processes that listen (`NOTIFY`, when their transaction commits), and whether a
   * started dispatcher listens: by `listen`, or by the client itself where it is the `sql` of postgres.js or a PGlite. False unless given. It
   * saves up to `pollIntervalMs` of latency for what other processes or callers' transactions dispatch, and costs a lock that all
   * notifying transactions of the server take one after the other when they commit.
   */
  readonly notify?: boolean
  /**
   * Who listens where the client cannot: a function that gives a new client of pg each time it is called (`() => new Client(…)`, or
   * `() => pool.connect()`), the `sql` of postgres.js, or a PGlite. It takes a connection of its own for as long as a dispatcher is started, not
   * through a pooler in transaction mode. Needs `notify`.
   */
  readonly listen?: PostgresListener
}

/** A storage in a Postgres database. */
export interface PostgresStorage extends Storage {
  /**
   * Creates the tables, or brings them up to date. Run it when you deploy: nothing else ever does. Any number of processes may do so at
   * the same time (they wait for one another), and it does all that is missing or nothing. What it would run, `postgresMigrations`
   * prints.
   *
   * @throws PosthornError `STORAGE_SCHEMA` where a newer release wrote the tables; `STORAGE_FAILED` where Postgres refuses.
   */
  migrate(): Promise<void>
}

/**
 * Creates a storage in a Postgres database (version 13 or later), which any number of processes on any number of machines may share.
 * Tables stand in a schema of their own; {@link PostgresStorage.migrate} creates them, and {@link Storage.open}, which the first use
 * does unless it was called before, checks that they are there. Every operation is one statement, so a pool in transaction mode
 * (PgBouncer) will do, and the clock that due dates and leases go by is the server's. Transactions should be `read committed`, as they
 * are unless a database is told otherwise: stricter ones are no safer here, and concurrent claims get in each other's way.
 *
 * The client is the caller's: a `Pool` of pg, the `sql` of postgres.js, a PGlite, or any {@link SqlExecutor}, with no transaction open on it, which a
 * statement that fails and is repeated in another way would end: pass that as `tx`. {@link Storage.close} leaves it open. A pool of pg gets a listener for `error`, also one behind `fromPg` or `fromDrizzle`, so that a database that
 * restarts does not end the process; the listener stays, as the pool does. A pool that was given to Kysely cannot be seen from here:
 * attach one to it yourself (`pool.on('error', …)`).
 *
 * `tx` is the client on which the caller's transaction is open (a client of the pool, the `sql` of `sql.begin`, the transaction of a
 * PGlite), or an {@link SqlExecutor} around it. What is in no transaction is refused with `TRANSACTIONS_UNSUPPORTED`: a pool or database, also one
 * in a wrapper, and a client of pg, a PGlite or a query runner of TypeORM's on which none is open. Of other clients nobody can tell.
 *
 * Texts with a NUL character or half of a surrogate pair, which Postgres cannot hold, are refused with `VALIDATION_FAILED`; in what a
 * receiver answered they become U+FFFD. Every method rejects with a {@link PosthornError}: `STORAGE_SCHEMA` where the tables are missing
 * or of another version, `STORAGE_UNAVAILABLE` after {@link Storage.close} and where Postgres does not answer, `STORAGE_FAILED` where Postgres refuses an operation or
 * cannot be reached; the driver's error is the `cause`.
 *
 * @throws TypeError for a wrong client or option.
 */
export function postgresStorage(client: PostgresClient, options: PostgresStorageOptions = {}): PostgresStorage {
  assertKnownOptions(options)
  const { schema = 'posthorn', statementTimeoutMs = 10_000, notify = false, listen } = options
  assertSchemaName(schema)
  assertStatementTimeout(statementTimeoutMs)
  if (typeof notify !== 'boolean') throw new TypeError(`notify must be true or false, not ${String(notify)}.`)
  if (listen !== undefined) assertListener(listen)
  if (listen !== undefined && !notify) {
    throw new TypeError('listen hears what storages with notify: true write: set notify as well, in every process.')
  }
  const pooled = toExecutor(client, { timeoutMs: statementTimeoutMs })
  const executor = withDeadline(pooled, statementTimeoutMs, () => closeIdle(client))
  survivePoolErrors(clientBehind(client) ?? client)
  const listener = listen ?? (notify && isListening(client) ? client : undefined)
  return new PostgresTables(executor, schema, namesIn(schema, { isNotifying: notify }), {
    patient: toExecutor(client),
    ...(listener !== undefined && { listener }),
  })
}

const knownOptions = ['schema', 'statementTimeoutMs', 'notify', 'listen']

function assertKnownOptions(options: object): void {
  const unknown = Object.keys(options).find((name) => !knownOptions.includes(name))
  if (unknown !== undefined)
    throw new TypeError(`postgresStorage has no option ${unknown}; known are ${knownOptions.join(', ')}.`)
}

/** How the storage itself is made. */
interface PostgresTablesOptions {
  /** Runs what may take long. */
  readonly patient?: SqlExecutor
  /** How often the clock is looked at. */
  readonly lookEveryMs?: number
  /** Who hears of what others write. */
  readonly listener?: PostgresListener
}

/** The storage itself; tests give it another clock with their `names`. */
export class PostgresTables implements PostgresStorage {
  readonly contract = 1
  readonly name = 'postgres'
  readonly capabilities = {
    durability: 'server',
    scope: 'cluster',
    transactions: 'caller',
    checksMatches: true,
  } as const
  readonly #database: Database
  /** Without a deadline: to build an index takes as long as it takes. */
  readonly #patient: Database
  readonly #schema: string
  readonly #claims: Claims
  readonly #overdue: Overdue
  readonly #purge: Purge
  readonly #time: SteadyTime
  #checking: Promise<void> | null = null
  #isChecked = false
  #isClosed = false
  readonly watch?: NonNullable<Storage['watch']>

  constructor(executor: SqlExecutor, schema: string, names: Names, options: PostgresTablesOptions = {}) {
    this.#database = new Database(executor, names)
    this.#patient = new Database(options.patient ?? executor, names)
    this.#time = new SteadyTime(this.#database, options.lookEveryMs)
    this.#schema = schema
    this.#claims = new Claims(this.#database)
    this.#overdue = new Overdue(this.#database, this.#claims.floors)
    this.#purge = new Purge(this.#database)
    const { channel } = names
    const { listener } = options
    if (listener !== undefined && channel !== null) this.watch = (watcher) => listenOn(listener, channel, watcher)
  }

  async migrate() {
    await migrate(this.#patient, postgresMigrations({ schema: this.#schema }))
  }

  async open({ tx }: TransactionOptions = {}) {
    this.#isClosed = false
    await this.#opened(tx)
  }

  async close() {
    this.#isClosed = true
    this.#isChecked = false
  }

  async insertWebhook(webhook: StoredWebhook, { tx }: TransactionOptions = {}) {
    await insertWebhook(await this.#opened(tx), webhook)
  }

  async getWebhook(id: string, tenantId: string) {
    return await getWebhook(await this.#opened(), id, tenantId)
  }

  async updateWebhook(id: string, tenantId: string, patch: WebhookPatch, ifVersion?: number) {
    return await updateWebhook(await this.#opened(), id, tenantId, patch, ifVersion)
  }

  async deleteWebhook(id: string, tenantId: string) {
    return await deleteWebhook(await this.#opened(), id, tenantId)
  }

  async listWebhooks(query: Parameters<Storage['listWebhooks']>[0]) {
    return await listWebhooks(await this.#opened(), query)
  }

  async listAllWebhooks(query: PageQuery) {
    return await listAllWebhooks(await this.#opened(), query)
  }

  async countWebhooks(tenantId: string) {
    return await countWebhooks(await this.#opened(), tenantId)
  }

  async matchWebhooks(queries: readonly MatchWebhooks[], { tx }: TransactionOptions = {}) {
    return await matchWebhooks(await this.#opened(tx), queries)
  }

  async gate(id: string, forMs: number | null) {
    await gate(await this.#opened(), id, forMs)
  }

  async enqueue(events: readonly NewEvent[], { tx, claimFor, ifMatched = [] }: EnqueueOptions = {}) {
    // What the caller has not committed nobody can deliver, and its locks on lanes would last as long as the transaction.
    const claiming = tx === undefined ? claimFor : undefined
    return await enqueue(await this.#opened(tx), events, { claimFor: claiming, ifMatched }, this.#floor())
  }

  async claim({ ids, limit, leaseMs }: Parameters<Storage['claim']>[0]) {
    const database = await this.#opened()
    return ids === undefined
      ? await this.#claims.claim(limit, leaseMs)
      : await claimIds(database, ids, limit, leaseMs, this.#floor())
  }

  async overdue({ limit, byMs }: OverdueQuery) {
    await this.#opened()
    return await this.#overdue.find(limit, byMs)
  }

  async renew(leases: readonly LeaseRef[], leaseMs: number) {
    return await renew(await this.#opened(), leases, leaseMs)
  }

  async settle(settlements: readonly Settlement[]) {
    return await settle(await this.#opened(), settlements)
  }

  async requeue(query: Parameters<Storage['requeue']>[0]) {
    return await requeue(await this.#opened(), query)
  }

  async cancel(query: Parameters<Storage['cancel']>[0]) {
    return await cancel(await this.#opened(), query)
  }

  async getEvent(id: string, tenantId: string) {
    return await getEvent(await this.#opened(), id, tenantId)
  }

  async getDelivery(id: string, tenantId: string) {
    return await getDelivery(await this.#opened(), id, tenantId)
  }

  async listEvents(query: Parameters<Storage['listEvents']>[0]) {
    return await listEvents(await this.#opened(), query)
  }

  async listDeliveries(query: Parameters<Storage['listDeliveries']>[0]) {
    return await listDeliveries(await this.#opened(), query)
  }

  async listAttempts(query: Parameters<Storage['listAttempts']>[0]) {
    return await listAttempts(await this.#opened(), query)
  }

  async stats(query: Parameters<Storage['stats']>[0]) {
    return await stats(await this.#opened(), query)
  }

  async purge(query: Parameters<Storage['purge']>[0]) {
    await this.#opened()
    return await this.#purge.purge(query)
  }

  #floor() {
    return this.#claims.floors.current
  }

  /** The database, once its tables are known to be there; the caller's transaction instead, where one is given. */
  async #opened(tx?: unknown): Promise<Database> {
    if (this.#isClosed) {
      throw new PosthornError('STORAGE_UNAVAILABLE', 'The Postgres storage is closed. Call open() to use it again.')
    }
    const joined = tx === undefined ? null : Database.joining(toTransaction(tx), this.#database.names)
    if (!this.#isChecked) await this.#check(joined)
    // A look needs a connection of its own, and beside a caller's transaction there may be none.
    else if (joined === null) this.#time.lookInPassing()
    return joined ?? this.#database
  }

  /** Checks the tables, on the caller's transaction where there is one: it may hold the last connection of its pool. */
  async #check(joined: Database | null): Promise<void> {
    const { length } = postgresMigrations({ schema: this.#schema })
    if (joined === null) {
      this.#checking ??= assertVersion(this.#database, length)
        .then(() => this.#time.look())
        .finally(() => (this.#checking = null))
      await this.#checking
    } else {
      await assertVersion(joined, length)
      await this.#time.follow(joined)
    }
    this.#isChecked = true
  }
}

import type { Clock } from '../../domain/clock.ts'
import { PosthornError } from '../../domain/error.ts'
import { Connection } from '../../storage/sqlite/connection.ts'
import { JoinedTransactions } from '../../storage/sqlite/joined-transactions.ts'
import { openDatabase } from '../../storage/sqlite/open-database.ts'
import { setPragmas } from '../../storage/sqlite/pragmas.ts'
import type { SqliteDatabase } from '../../storage/sqlite/sqlite-database.ts'
import type {
  HeldReservation,
  IdempotencyStore,
  LapsedEvent,
  LapsedQuery,
  Reservation,
  ReserveResult,
} from '../../storage/idempotency-store.ts'

/** Options of {@link sqliteIdempotency}. */
export interface SqliteIdempotencyOptions {
  /** Tells the time that leases go by; `Date.now` unless given. Processes that share a file must agree on it. */
  readonly clock?: Clock
  /**
   * How long an operation waits for another process to finish writing, in milliseconds, 0 to 3,600,000; 5,000 unless given. SQLite
   * waits synchronously, so this is also how long the event loop may stand still.
   */
  readonly busyTimeoutMs?: number
}

/** A store in a SQLite database. */
export interface SqliteIdempotency extends IdempotencyStore {
  /** Closes the database where a path was given; an open database is left open. Safe to call again. */
  close(): void
}

/**
 * Creates a store in a SQLite database, for the processes of one host: what was reserved survives a crash of the process and of the
 * machine (WAL mode, `synchronous=FULL`). The one table, `posthorn_received`, is created at the first use; the file may be the one
 * of {@link sqliteStorage}. Events past their keep time are removed a few at a time, by later reservations.
 *
 * @param pathOrDatabase - A file path, opened with `node:sqlite` (Node 22.13 or later), or an open database of `node:sqlite`,
 * better-sqlite3 or libsql.
 * @throws TypeError, RangeError for a wrong argument or option.
 */
export function sqliteIdempotency(
  pathOrDatabase: string | SqliteDatabase,
  options: SqliteIdempotencyOptions = {},
): SqliteIdempotency {
  return new SqliteTable(pathOrDatabase, options)
}

/** What the columns hold; times are in milliseconds since the epoch. */
interface Row {
  readonly id: string
  readonly lease: string | null
  readonly leaseUntil: number
  readonly attempt: number
  readonly fingerprint: string
  readonly record: string | null
}

/** What there is from the first use to closing. */
interface Session {
  readonly connection: Connection
  readonly transactions: JoinedTransactions
  readonly release: () => void
}

class SqliteTable implements SqliteIdempotency {
  readonly name = 'sqlite'
  readonly durability: 'none' | 'disk'
  readonly #source: string | SqliteDatabase
  readonly #clock: Clock
  readonly #busyTimeoutMs: number
  #session: Session | null = null
  #isClosed = false

  constructor(source: string | SqliteDatabase, { clock = Date.now, busyTimeoutMs = 5000 }: SqliteIdempotencyOptions) {
    const isDatabase = typeof source === 'object' && source !== null && 'exec' in source && 'prepare' in source
    if (!isDatabase && (typeof source !== 'string' || source === '')) {
      throw new TypeError('sqliteIdempotency takes the path of a file, or an open database with exec and prepare.')
    }
    if (typeof clock !== 'function') throw new TypeError('sqliteIdempotency: clock must be a function.')
    if (!Number.isSafeInteger(busyTimeoutMs) || busyTimeoutMs < 0 || busyTimeoutMs > 3_600_000) {
      const found = String(busyTimeoutMs)
      throw new RangeError(`sqliteIdempotency: busyTimeoutMs must be a whole number from 0 to 3600000, not ${found}.`)
    }
    this.#source = source
    this.#clock = clock
    this.#busyTimeoutMs = busyTimeoutMs
    this.durability = source === ':memory:' ? 'none' : 'disk'
  }

  async reserve(reservation: Reservation): Promise<ReserveResult> {
    const { scope, id, lease, leaseMs, keepMs, record } = reservation
    return await this.#write((connection, now) => {
      connection.run(removeExpired, now)
      const known = connection.first<Row>(find, scope, id, now)
      const fingerprint = known?.fingerprint ?? reservation.fingerprint
      if (known?.lease === null) return { status: 'completed', fingerprint, answer: known.record }
      if (known !== undefined && known.leaseUntil > now) {
        return { status: 'in-flight', retryInMs: known.leaseUntil - now, fingerprint }
      }
      const attempt = (known?.attempt ?? 0) + 1
      connection.run(put, scope, id, lease, now + leaseMs, attempt, fingerprint, record, now + keepMs)
      return { status: 'reserved', attempt, fingerprint }
    })
  }

  async complete(
    { scope, id, lease, fingerprint }: HeldReservation,
    keepMs: number,
    answer?: string,
  ): Promise<boolean> {
    return await this.#write((connection, now) => {
      const known = connection.first<Row>(find, scope, id, now)
      if (known !== undefined && (known.lease === null || (known.lease !== lease && known.leaseUntil > now)))
        return false
      const { attempt = 1, fingerprint: first = fingerprint } = known ?? {}
      connection.run(put, scope, id, null, now, attempt, first, answer ?? null, now + keepMs)
      return true
    })
  }

  async release({ scope, id, lease }: HeldReservation): Promise<boolean> {
    return await this.#write((connection, now) => {
      const known = connection.first<Row>(find, scope, id, now)
      if (known?.lease !== lease) return false
      if (known.record === null) connection.run(remove, scope, id)
      else connection.run(lapse, now, scope, id)
      return true
    })
  }

  async claimLapsed({ scope, lease, leaseMs, limit }: LapsedQuery): Promise<LapsedEvent[]> {
    return await this.#write((connection, now) => {
      const rows = connection.all<Row>(findLapsed, scope, now, now, limit)
      return rows.map(({ id, attempt, fingerprint, record }) => {
        connection.run(take, lease, now + leaseMs, attempt + 1, scope, id)
        return { id, attempt: attempt + 1, fingerprint, record: record ?? '' }
      })
    })
  }

  close(): void {
    this.#isClosed = true
    this.#session?.release()
    this.#session = null
  }

  async #write<T>(work: (connection: Connection, now: number) => T): Promise<T> {
    if (this.#isClosed) throw new PosthornError('STORAGE_UNAVAILABLE', 'The SQLite idempotency store is closed.')
    this.#session ??= open(this.#source, this.#busyTimeoutMs)
    const { connection, transactions } = this.#session
    // Joined to a transaction of the owner's, a reservation could be rolled back after it was acknowledged.
    return await transactions.whenClosed(() => connection.write(() => work(connection, this.#clock())))
  }
}

function open(source: string | SqliteDatabase, busyTimeoutMs: number): Session {
  const own = typeof source === 'string' ? openDatabase(source) : null
  const database = own ?? (source as SqliteDatabase) // a text was opened
  const connection = new Connection(database)
  try {
    connection.guard(() => setPragmas(connection, busyTimeoutMs))
    connection.write(() => connection.exec(createTable))
  } catch (error) {
    own?.close()
    throw error
  }
  const transactions = new JoinedTransactions(database, { patienceMs: Math.max(busyTimeoutMs, 1000) })
  return { connection, transactions, release: () => own?.close() }
}

// A completed event has no lease; its record is the answer that it was completed with. WITHOUT ROWID: the key is all that it is looked up by.
const createTable = `
CREATE TABLE IF NOT EXISTS posthorn_received (
  scope TEXT NOT NULL,
  id TEXT NOT NULL,
  lease TEXT,
  lease_until INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  record TEXT,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (scope, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS posthorn_received_expiry ON posthorn_received (expires_at);
CREATE INDEX IF NOT EXISTS posthorn_received_lapsing ON posthorn_received (scope, lease_until) WHERE record IS NOT NULL`

const columns = 'id, lease, lease_until AS leaseUntil, attempt, fingerprint, record'
const one = 'WHERE scope = ? AND id = ?'

const find = `SELECT ${columns} FROM posthorn_received ${one} AND expires_at > ?`
const put = `
INSERT OR REPLACE INTO posthorn_received (scope, id, lease, lease_until, attempt, fingerprint, record, expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
const take = `UPDATE posthorn_received SET lease = ?, lease_until = ?, attempt = ? ${one}`
const lapse = `UPDATE posthorn_received SET lease_until = ? ${one}`
const remove = `DELETE FROM posthorn_received ${one}`
const findLapsed = `
SELECT ${columns} FROM posthorn_received
WHERE scope = ? AND record IS NOT NULL AND lease IS NOT NULL AND lease_until <= ? AND expires_at > ? ORDER BY lease_until LIMIT ?`
const removeExpired = `
DELETE FROM posthorn_received WHERE (scope, id) IN
  (SELECT scope, id FROM posthorn_received WHERE expires_at <= ? ORDER BY expires_at LIMIT 20)`

import { PosthornError } from '../../domain/error.ts'
import { Connection } from './connection.ts'
import type { SqliteDatabase } from './sqlite-database.ts'

const pauseMs = 1

/**
 * The transactions of callers that writes have joined. As long as one is open, writes of our own wait for it: SQLite has one writer, and
 * waiting for its lock synchronously would keep the caller from ever committing.
 */
export class JoinedTransactions {
  readonly #connections = new WeakMap<object, Connection>()
  readonly #open = new Set<SqliteDatabase>()
  readonly #patienceMs: number
  readonly #own: SqliteDatabase

  /** `own` is the storage's own database, whose owner may have a transaction open at any time. */
  constructor(own: SqliteDatabase, options: { readonly patienceMs: number }) {
    this.#open.add(own)
    this.#patienceMs = options.patienceMs
    this.#own = own
  }

  /** The connection of a caller's transaction. */
  join(tx: unknown): Connection {
    if (!isDatabase(tx)) throw notJoinable('is no open SQLite database: pass the database whose transaction is open')
    if (isInTransaction(tx) === false) throw notJoinable('has no open transaction: run BEGIN IMMEDIATE on it first')
    let connection = this.#connections.get(tx)
    if (connection === undefined) {
      connection = new Connection(tx)
      this.#connections.set(tx, connection)
    }
    this.#open.add(tx)
    return connection
  }

  /** Whether a caller's transaction is open that a write of our own has to wait for. */
  isOpen(): boolean {
    for (const database of this.#open) {
      if (isInTransaction(database) === true) return true
      if (database !== this.#own) this.#open.delete(database)
    }
    return false
  }

  /**
   * Does something in a turn in which no joined transaction is open: between any wait and what comes after it the caller may begin the next.
   * Rejects with `STORAGE_FAILED` where one stays open for too long.
   */
  async whenClosed<T>(work: () => T): Promise<T> {
    while (this.isOpen()) await this.#closed()
    return work()
  }

  async #closed(): Promise<void> {
    const started = performance.now()
    while (this.isOpen()) {
      if (performance.now() - started > this.#patienceMs) {
        const message = `A transaction of the caller's has been open for ${this.#patienceMs} ms: commit it, or roll it back.`
        throw new PosthornError('STORAGE_FAILED', message)
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}

/** Whether a transaction is open; null where the driver does not tell. */
export function isInTransaction(database: SqliteDatabase): boolean | null {
  try {
    // node:sqlite says isTransaction, better-sqlite3 and libsql say inTransaction.
    return database.isTransaction ?? database.inTransaction ?? null
  } catch {
    return false // node:sqlite throws where the database was closed, and its transaction with it.
  }
}

function isDatabase(tx: unknown): tx is SqliteDatabase {
  return typeof tx === 'object' && tx !== null && 'exec' in tx && 'prepare' in tx && typeof tx.prepare === 'function'
}

function notJoinable(problem: string): PosthornError {
  return new PosthornError('TRANSACTIONS_UNSUPPORTED', `tx ${problem}.`)
}

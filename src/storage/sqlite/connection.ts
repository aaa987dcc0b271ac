import { PosthornError } from '../../domain/error.ts'
import type { SqliteDatabase, SqliteStatement } from './sqlite-database.ts'
import type { SqliteValue } from './sqlite-value.ts'

/** One database with its prepared statements. Synchronous throughout, so no transaction is open across an await. */
export class Connection {
  readonly #database: SqliteDatabase
  readonly #statements = new Map<string, SqliteStatement>()

  constructor(database: SqliteDatabase) {
    this.#database = database
  }

  /** `Row` is what the columns of `sql` hold: the one place where rows become types. */
  all<Row>(sql: string, ...values: SqliteValue[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[]
  }

  // Not the drivers' get(): libsql adds a member to its row, and all() leaves no statement half read.
  first<Row>(sql: string, ...values: SqliteValue[]): Row | undefined {
    return this.all<Row>(sql, ...values)[0]
  }

  /** Reads the row that there always is: of an aggregate, or RETURNING. */
  one<Row>(sql: string, ...values: SqliteValue[]): Row {
    const row = this.first<Row>(sql, ...values)
    if (row === undefined) throw new Error('a statement that always gives a row gave none')
    return row
  }

  run(sql: string, ...values: SqliteValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes)
  }

  /** Runs `work` with the errors of the driver made ours. */
  guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw storageFailed(error)
    }
  }

  /** Runs `work` in a transaction that takes the write lock first, so it never fails half-way for want of it. */
  write<T>(work: () => T): T {
    // Outside the try: where this fails there is nothing to roll back, or only a transaction of the database's owner.
    this.guard(() => this.#database.exec('BEGIN IMMEDIATE'))
    try {
      const result = work()
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      this.#rollback(error)
      throw storageFailed(error)
    }
  }

  exec(sql: string): void {
    this.#database.exec(sql)
  }

  #prepare(sql: string): SqliteStatement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      // The owner of a database may have set it to give bigints.
      statement.safeIntegers?.(false)
      statement.setReadBigInts?.(false)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #rollback(cause: unknown): void {
    try {
      this.#database.exec('ROLLBACK')
    } catch (error) {
      // On a full disk or an I/O error SQLite has rolled back by itself; only another failure is worth telling.
      if (String(error).includes('no transaction is active')) return
      throw storageFailed(new AggregateError([cause, error], 'The transaction failed, and so did its rollback.'))
    }
  }
}

function storageFailed(error: unknown): PosthornError {
  if (error instanceof PosthornError) return error
  const why = error instanceof Error ? error.message : String(error)
  return new PosthornError(
    'STORAGE_FAILED',
    `SQLite refused an operation: ${why}. Nothing of it was written; it may be tried again.`,
    { cause: error },
  )
}

/** A prepared statement, as far as it is used: `node:sqlite` and better-sqlite3 have it in this shape. */
export interface SqliteStatement {
  /** Runs it with these positional parameters (strings, numbers, null, bytes) and says how many rows it changed. */
  run(...values: unknown[]): SqliteRunResult
  /** Runs it with these positional parameters and returns every row as an object. */
  all(...values: unknown[]): unknown[]
  /** Where there is one, it is asked for integers as numbers; better-sqlite3 and libsql have it. */
  safeIntegers?(isOn: boolean): unknown
  /** Where there is one, it is asked for integers as numbers; `node:sqlite` has it. */
  setReadBigInts?(isOn: boolean): unknown
}

/** What running a statement led to. */
export interface SqliteRunResult {
  /** How many rows it changed. */
  readonly changes: number | bigint
}

/**
 * An open, synchronous SQLite database, as far as it is used: a `DatabaseSync` of `node:sqlite`, a `Database` of
 * better-sqlite3 or of libsql, or anything else in this shape.
 */
export interface SqliteDatabase {
  /** Runs statements that return nothing. */
  exec(sql: string): unknown
  /** Prepares one statement with positional parameters. */
  prepare(sql: string): SqliteStatement
  /** Where there is one, it tells whether a transaction is open; `node:sqlite` has it. */
  readonly isTransaction?: boolean
  /** Where there is one, it tells whether a transaction is open; better-sqlite3 and libsql have it. */
  readonly inTransaction?: boolean
}

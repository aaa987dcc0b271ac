import type { Connection } from './connection.ts'
import type { SqliteValue } from './sqlite-value.ts'

// Rows of one statement, largest first: a call into SQLite costs as much as three or four columns of a row.
const sizes = [32, 8, 1]

/** An INSERT of any number of rows in as few statements as a few prepared ones allow. */
export class BulkInsert {
  readonly #columns: number
  readonly #statements: readonly { readonly size: number; readonly sql: string }[]

  /** `row` is what VALUES has of one row, such as `(?, ?, 0)`; `tail` follows the last row. */
  constructor(parts: { readonly into: string; readonly row: string; readonly tail?: string }) {
    const { into, row, tail = '' } = parts
    this.#columns = row.split('?').length - 1
    this.#statements = sizes.map((size) => ({
      size,
      // OR FAIL: a row that is refused fails the transaction, which is rolled back. Without it SQLite copies every page that a statement of several
      // rows changes, to be able to undo it alone: that cost three times what the rows do.
      sql: `INSERT OR FAIL INTO ${into} VALUES ${Array.from({ length: size }, () => row).join(', ')} ${tail}`,
    }))
  }

  /** Writes rows whose values stand one after the other. Answers how many were written. */
  write(connection: Connection, values: readonly SqliteValue[]): number {
    let written = 0
    let next = 0
    for (const { size, sql } of this.#statements) {
      const length = size * this.#columns
      for (; values.length - next >= length; next += length) {
        written += connection.run(sql, ...values.slice(next, next + length))
      }
    }
    return written
  }
}

import type { Connection } from './connection.ts'
import type { SqliteValue } from './sqlite-value.ts'

/** One condition with what is bound to it. */
export type Condition = readonly [sql: string, ...values: SqliteValue[]]

/** Conditions joined by AND, with what is bound to them. */
export class Conditions {
  readonly values: SqliteValue[] = []
  readonly #conditions: string[] = []

  get sql(): string {
    return this.#conditions.join(' AND ')
  }

  add(...[condition, ...values]: Condition): void {
    this.#conditions.push(condition)
    this.values.push(...values)
  }

  /** Begins behind the row of a cursor. */
  startAfter(idColumn: string, cursor: string | null, isAscending: boolean): void {
    if (cursor !== null) this.add(`${idColumn} ${isAscending ? '>' : '<'} ?`, cursor)
  }

  /**
   * Ends the search at the `most`th row of what the conditions so far select, which an index must give in order. Returns the id
   * of that row, a cursor to go on from; null where there are fewer.
   */
  stopAfter(
    most: number,
    connection: Connection,
    {
      from,
      idColumn,
      isAscending,
    }: { readonly from: string; readonly idColumn: string; readonly isAscending: boolean },
  ): string | null {
    const last = connection.first<{ id: string }>(
      `SELECT ${idColumn} AS id ${from} WHERE ${this.sql} ORDER BY ${idColumn} ${isAscending ? 'ASC' : 'DESC'} LIMIT 1 OFFSET ?`,
      ...this.values,
      most - 1,
    )
    if (last === undefined) return null
    this.add(`${idColumn} ${isAscending ? '<=' : '>='} ?`, last.id)
    return last.id
  }
}

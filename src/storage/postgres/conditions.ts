import type { SqlParameter } from '../sql-executor.ts'

/** Conditions joined by AND, with what is bound to them. */
export class Conditions {
  readonly params: SqlParameter[] = []
  readonly #conditions: string[] = []

  get sql(): string {
    return this.#conditions.length === 0 ? 'true' : this.#conditions.join(' AND ')
  }

  /** Binds a value and returns its name. */
  bind(value: SqlParameter): string {
    return `$${this.params.push(value)}`
  }

  /** `condition` gets the names of what is bound. */
  add(condition: (...params: string[]) => string, ...values: readonly SqlParameter[]): void {
    this.#conditions.push(condition(...values.map((value) => this.bind(value))))
  }

  /** Begins behind the row of a cursor. */
  startAfter(idColumn: string, cursor: string | null, isAscending: boolean): void {
    if (cursor !== null) this.add((id) => `${idColumn} ${isAscending ? '>' : '<'} ${id}::uuid`, cursor)
  }
}

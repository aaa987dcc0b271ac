import { createHash } from 'node:crypto'

// Some connections are used for a look or two: what is not asked for again is not worth a plan that is kept.
const usesBeforePrepared = 3
// All that this storage says often; each is kept by every connection of the pool.
const maxPrepared = 100

/**
 * Names the statements that are sent often, so that a connection reads and plans each of them once: for the larger ones that takes longer
 * than to run them. The name is made of the text, so one name never means two statements, whoever else shares a connection.
 */
export class PreparedStatements {
  readonly #uses = new Map<string, number>()
  readonly #names = new Map<string, string>()
  #isOn: boolean

  constructor(isOn: boolean) {
    this.#isOn = isOn
  }

  /** The name to prepare a statement by; undefined where it is sent as it is. */
  nameOf(sql: string): string | undefined {
    if (!this.#isOn) return undefined
    const known = this.#names.get(sql)
    if (known !== undefined || this.#names.size >= maxPrepared) return known
    const uses = (this.#uses.get(sql) ?? 0) + 1
    if (uses <= usesBeforePrepared) {
      if (this.#uses.size < maxPrepared * 10) this.#uses.set(sql, uses)
      return undefined
    }
    this.#uses.delete(sql)
    const name = `posthorn_${createHash('sha256').update(sql).digest('base64url').slice(0, 22)}`
    this.#names.set(sql, name)
    return name
  }

  /**
   * Whether a statement failed for nothing but its name, and may be sent again without: a pooler in transaction mode hands a connection on
   * without the statements that were prepared on it, or with those of others. From then on nothing is named.
   */
  isRefused(error: unknown): boolean {
    const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined
    // invalid_sql_statement_name, duplicate_prepared_statement
    const isRefused = code === '26000' || code === '42P05'
    if (isRefused) this.#isOn = false
    return isRefused
  }
}

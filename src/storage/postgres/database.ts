import type { SqlExecutor, SqlParameter } from '../sql-executor.ts'
import type { Names } from './names.ts'
import { isRepeatable, storageFailed } from './storage-failed.ts'
import { assertStorable } from './storable-text.ts'
import type { StoredFunction } from './stored-function.ts'

// A deadlock or a serialization failure has written nothing. Where transactions are serializable by default, they come in crowds.
const usualTries = 12
const longestPauseMs = 100

/** A client of the caller's. Every operation is one statement, so none of them needs a transaction or a session of its own. */
export class Database {
  readonly names: Names
  /** Whether it is a transaction of the caller's: what fails in it has failed, and the transaction with it. */
  readonly isJoined: boolean
  readonly #executor: SqlExecutor
  readonly #maxTries: number

  constructor(executor: SqlExecutor, names: Names, isJoined = false) {
    this.#executor = executor
    this.names = names
    this.isJoined = isJoined
    this.#maxTries = isJoined ? 1 : usualTries
  }

  /** A transaction of the caller's. */
  static joining(executor: SqlExecutor, names: Names): Database {
    return new Database(executor, names, true)
  }

  /**
   * Runs `select`, after the common table expressions of `ctes` if it needs any. A row comes back as one text of JSON, which no
   * driver's type parsers and no plug-in that renames columns can change. `Row` is what the columns of `select` hold: the one
   * place where rows become types.
   */
  async all<Row>(select: string, params: readonly SqlParameter[] = [], ctes = ''): Promise<Row[]> {
    for (const param of params) if (typeof param === 'string') assertStorable('query', param)
    const rows = await this.execute(`${ctes} SELECT row_to_json(r)::text AS row FROM (${select}) r`, params)
    return rows.map((row) => JSON.parse(String(Object.values(row)[0])) as Row)
  }

  async first<Row>(select: string, params: readonly SqlParameter[] = [], ctes = ''): Promise<Row | undefined> {
    return (await this.all<Row>(select, params, ctes))[0]
  }

  /** Reads the row that there always is, of an aggregate. */
  async one<Row>(select: string, params: readonly SqlParameter[] = [], ctes = ''): Promise<Row> {
    const row = await this.first<Row>(select, params, ctes)
    if (row === undefined) throw new Error('a statement that always gives a row gave none')
    return row
  }

  /**
   * Calls a function of the schema. `Answer` is what it answers: see {@link all}. Its parameters are columns or JSON of texts
   * that were checked one by one, ids and numbers.
   */
  async call<Answer>(called: StoredFunction, params: readonly SqlParameter[]): Promise<Answer> {
    const [row] = await this.execute(called.calling(this.names), params)
    if (row === undefined) throw new Error('a call that always gives a row gave none')
    return JSON.parse(String(Object.values(row)[0])) as Answer
  }

  /** Runs a statement as it is. */
  async execute(sql: string, params: readonly SqlParameter[] = []): Promise<Record<string, unknown>[]> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#executor.query(sql, params)
      } catch (error) {
        if (tries === this.#maxTries || !isRepeatable(error)) throw storageFailed(error, this.isJoined)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(2 ** tries, longestPauseMs)))
      }
    }
  }
}

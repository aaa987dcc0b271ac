/**
 * The one method that a SQL storage asks of a database client. Wrap any client or ORM in it: run the statement as it is, with the
 * parameters bound to `$1`, `$2` …, and resolve to the rows.
 *
 * @example
 * ```ts
 * const executor: SqlExecutor = { query: async (sql, params) => (await client.query(sql, [...params])).rows }
 * ```
 */
export interface SqlExecutor {
  /** Runs one statement and resolves to its rows, none for a statement that gives none. Rejects where the database refuses it. */
  query(sql: string, params: readonly SqlParameter[]): Promise<Record<string, unknown>[]>
}

/** A value that is bound to a statement. */
export type SqlParameter = string | number | null

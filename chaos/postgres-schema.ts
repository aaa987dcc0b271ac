import { Pool } from 'pg'
import { postgresStorage } from 'posthorn/postgres'

/** The server that scenarios run on which do not stop it. */
export const serverUrl = process.env['DATABASE_URL'] ?? 'postgres://root@127.0.0.1:5432/test'

/** Posthorn's tables in a schema of a scenario's own. */
export interface PostgresSchema extends AsyncDisposable {
  readonly name: string
  /** Straight to the server. */
  readonly pool: Pool
}

/** Creates the tables in a new schema, which disposing drops. */
export async function createSchema(): Promise<PostgresSchema> {
  const name = `posthorn_chaos_${process.pid}_${Math.random().toString(36).slice(2, 10)}`
  const pool = new Pool({ connectionString: serverUrl, max: 10, connectionTimeoutMillis: 10_000 })
  await postgresStorage(pool, { schema: name }).migrate()
  return {
    name,
    pool,
    [Symbol.asyncDispose]: async () => {
      await pool.query(`DROP SCHEMA ${name} CASCADE`)
      await pool.end()
    },
  }
}

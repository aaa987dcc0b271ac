import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** Where Postgres is; `DATABASE_URL` unless that is not set. */
export const databaseUrl = process.env['DATABASE_URL'] ?? 'postgres://root@127.0.0.1:5432/test'

/** A schema with a random name, so that runs do not meet, and a pool to reach it. */
export interface Schema {
  readonly pool: pg.Pool
  readonly schema: string
  /** Drops the schema and closes the pool. */
  readonly remove: () => Promise<void>
}

const open = new Set<Schema>()

/** Drops the schemas that this process has open, for a run that is interrupted. */
export async function removeSchemas(): Promise<void> {
  await Promise.all([...open].map((each) => each.remove()))
}

/** Names a schema and opens a pool; whoever uses the schema creates it. */
export async function openSchema(): Promise<Schema> {
  const schema = `bench_${randomBytes(6).toString('hex')}`
  const pool = openPool()
  const remove = async () => {
    open.delete(own)
    await pool.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
    await pool.end()
  }
  const own = { pool, schema, remove }
  open.add(own)
  return own
}

/** Opens a pool of pg's default size. */
export function openPool(): pg.Pool {
  const pool = new pg.Pool({ connectionString: databaseUrl })
  pool.on('error', report)
  pool.on('connect', (client) => client.on('error', report))
  return pool
}

// The next query on it rejects.
function report(error: Error): void {
  console.error(`A connection to Postgres broke: ${error.message}`)
}

import { PGlite } from '@electric-sql/pglite'
import { Pool } from 'pg'
import postgres from 'postgres'
import { namesIn } from '../../../src/storage/postgres/names.ts'
import { type PostgresClient, toExecutor } from '../../../src/storage/postgres/postgres-client.ts'
import { PostgresTables } from '../../../src/storage/postgres/postgres-storage.ts'
import type { Storage } from '../../../src/storage/storage.ts'
import { overriding } from '../../support/overriding.ts'
import { isReachable, serverUrl } from './server.ts'

export const noServer = !(await isReachable())

/** The clients that the suites run on: `isSkipped` where there is no server. */
export const clients = [
  { name: 'a pool of pg', isSkipped: noServer, connect: connectPool },
  { name: 'postgres.js', isSkipped: noServer, connect: connectPostgresJs },
  { name: 'PGlite', isSkipped: false, connect: connectPglite },
] as const

/** A client with an end. */
export interface Connected {
  readonly client: PostgresClient
  readonly end: () => Promise<void>
}

/** Tables in a schema of their own. */
export interface TestDatabase {
  readonly client: PostgresClient
  readonly schema: string
  /** Drops the schema with all in it, and closes the client. */
  readonly drop: () => Promise<void>
  /** A storage that finds the tables as they are. */
  readonly storage: (options?: { clock?: () => number; lookEveryMs?: number }) => PostgresTables
  /** A storage that empties the tables when it is opened, the first time. */
  readonly emptyStorage: (options?: { clock?: () => number; lookEveryMs?: number }) => Storage
  readonly query: (sql: string, params?: (string | number | null)[]) => Promise<Record<string, unknown>[]>
}

export function connectPool(max = 10): Connected {
  const pool = new Pool({ connectionString: serverUrl, max })
  return { client: pool, end: () => pool.end() }
}

function connectPostgresJs(): Connected {
  // The columns renamed, as many apps have it.
  const sql = postgres(serverUrl, { transform: postgres.camel, onnotice: () => undefined })
  return { client: sql, end: () => sql.end() }
}

export function connectPglite(): Connected & { readonly client: PGlite } {
  const database = new PGlite()
  return { client: database, end: () => database.close() }
}

/** Creates the tables in a new schema. */
export async function createTestDatabase(connect: () => Connected = connectPool): Promise<TestDatabase> {
  const { client, end } = connect()
  const schema = `posthorn_test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`
  const executor = toExecutor(client)
  const query: TestDatabase['query'] = (sql, params = []) => executor.query(sql, params)
  const names = namesIn(schema)
  const storage: TestDatabase['storage'] = ({ clock, lookEveryMs = 5_000 } = {}) =>
    new PostgresTables(executor, schema, namesIn(schema, clock === undefined ? {} : { wall: sqlOf(clock) }), {
      lookEveryMs,
    })
  await storage().migrate()
  const drop = async () => {
    // What a test gave up on may still run, and hold what this asks for: the server ends one of them.
    for (let tries = 1; ; tries++) {
      try {
        await query(`DROP SCHEMA ${schema} CASCADE`)
        break
      } catch (error) {
        if (tries === 5 || (error as { code?: unknown }).code !== '40P01') throw error // as Postgres names a deadlock
      }
    }
    await end()
  }
  const { webhooks, lanes, subscriptions, events, bodies, deliveries, attempts, idempotency } = names
  const tables = [webhooks, lanes, subscriptions, events, bodies, deliveries, attempts, idempotency]
  const emptyStorage: TestDatabase['emptyStorage'] = (options) => {
    const opened = storage(options)
    let isEmpty = false
    const open = async () => {
      if (!isEmpty) await query(`TRUNCATE ${tables.join(', ')}`)
      if (!isEmpty) await query(`UPDATE ${names.clock} SET seen_at = 'epoch', ahead_ms = 0`)
      isEmpty = true
      await opened.open()
    }
    return overriding(opened, { open })
  }
  return { client, drop, schema, storage, emptyStorage, query }
}

/** The time of a test's clock, in place of the server's. */
function sqlOf(clock: () => number): () => string {
  return () => `to_timestamp(${clock()}::float8 / 1000)`
}

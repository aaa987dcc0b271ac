import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStorage, type Storage } from 'posthorn'
import { postgresStorage } from 'posthorn/postgres'
import { sqliteStorage } from 'posthorn/sqlite'
import { openPool, openSchema } from './postgres-schema.ts'

/** A storage to measure, and how to leave nothing of it. */
export interface OpenStorage {
  readonly storage: Storage
  readonly remove: () => Promise<void>
}

/**
 * Opens an empty storage: `memory`, `sqlite` (a file, so that a commit waits for the disk) or `postgres`. `postgres` and the name of a
 * schema opens tables that somebody else has filled, and will drop.
 */
export async function openStorage(name: string): Promise<OpenStorage> {
  const [kind, schema] = name.split(' ')
  if (kind === 'postgres' && schema !== undefined) return openFilled(schema)
  if (name === 'memory') return { storage: memoryStorage(), remove: async () => {} }
  if (name === 'sqlite') return await openSqlite()
  if (name === 'postgres') return await openPostgres()
  throw new Error(`There is no storage ${name}.`)
}

async function openSqlite(): Promise<OpenStorage> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-bench-'))
  const storage = sqliteStorage(join(folder, 'bench.db'))
  const remove = async () => {
    await storage.close()
    await rm(folder, { recursive: true, force: true })
  }
  return { storage, remove }
}

async function openPostgres(): Promise<OpenStorage> {
  const { pool, schema, remove } = await openSchema()
  const storage = postgresStorage(pool, { schema })
  await storage.migrate()
  return { storage, remove }
}

function openFilled(schema: string): OpenStorage {
  const pool = openPool()
  return { storage: postgresStorage(pool, { schema }), remove: () => pool.end() }
}

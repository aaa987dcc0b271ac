import { DatabaseSync } from 'node:sqlite'
import { fromPg, postgresStorage, type SqlExecutor } from 'posthorn/postgres'
import { sqliteStorage } from 'posthorn/sqlite'
import type { Storage } from 'posthorn'
import { Pool } from 'pg'
import type { StoreLocation } from './sender-task.ts'

/** The storage of a sender, and the transactions of an app beside it. */
export interface SenderStore {
  readonly storage: Storage
  /** Dispatches event `n` and writes the app's own row for it, in one transaction of the app's. Resolves to the event's id. */
  transact(n: number, dispatch: (tx: unknown) => Promise<string>): Promise<string>
  close(): Promise<void>
}

/** Opens what a sender works on. `alter` may put a fault between the storage and the database. */
export function openStore(location: StoreLocation, alter: (executor: SqlExecutor) => SqlExecutor): SenderStore {
  return location.kind === 'sqlite'
    ? sqliteStore(location.path)
    : postgresStore(new Pool({ ...location, max: 4 }), alter)
}

function sqliteStore(path: string): SenderStore {
  const app = new DatabaseSync(path, { timeout: 5000 })
  const storage = sqliteStorage(path)
  let last: Promise<unknown> = Promise.resolve()
  const transact = async (n: number, dispatch: (tx: unknown) => Promise<string>) => {
    app.exec('BEGIN IMMEDIATE')
    try {
      const id = await dispatch(app)
      app.prepare('INSERT INTO chaos_orders (n, event_id) VALUES (?, ?) ON CONFLICT DO NOTHING').run(n, id)
      app.exec('COMMIT')
      return id
    } catch (error) {
      if (app.isTransaction) app.exec('ROLLBACK')
      throw error
    }
  }
  return {
    storage,
    transact: async (n, dispatch) => {
      // One connection has one transaction at a time.
      const next = last.then(() => transact(n, dispatch))
      last = next.catch(() => undefined)
      return await next
    },
    close: async () => {
      await last
      await storage.close()
      app.close()
    },
  }
}

function postgresStore(pool: Pool, alter: (executor: SqlExecutor) => SqlExecutor): SenderStore {
  // A pool of its own beside the executor's: that one is what the engine is handed.
  const storage = postgresStorage(alter(fromPg(pool)))
  return {
    storage,
    transact: async (n, dispatch) => {
      const client = await pool.connect()
      // The app's own connection may break while no statement of it is under way.
      let broken: Error | undefined
      const onError = (error: Error) => (broken = error)
      client.on('error', onError)
      try {
        await client.query('BEGIN')
        const id = await dispatch(client)
        await client.query('INSERT INTO chaos_orders (n, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [n, id])
        await client.query('COMMIT')
        return id
      } catch (error) {
        broken ??= error instanceof Error ? error : new Error(String(error))
        throw error
      } finally {
        client.off('error', onError)
        client.release(broken)
      }
    },
    close: async () => {
      await storage.close()
      await pool.end()
    },
  }
}

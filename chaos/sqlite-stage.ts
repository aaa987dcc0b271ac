import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sqliteStorage } from 'posthorn/sqlite'
import { atExit } from './cleanup.ts'
import { createWebhooks, isFinal, type Stage, type StageOptions } from './stage.ts'

const now = `CAST(unixepoch('subsec') * 1000 AS INTEGER)`
const watch = `
  CREATE TABLE chaos_orders (n INTEGER PRIMARY KEY, event_id TEXT NOT NULL);
  CREATE TABLE chaos_changes (delivery_id TEXT NOT NULL, was TEXT NOT NULL, became TEXT NOT NULL);
  CREATE TRIGGER chaos_changed AFTER UPDATE ON posthorn_deliveries WHEN ${isFinal('OLD')}
    BEGIN INSERT INTO chaos_changes VALUES (OLD.id, OLD.phase, NEW.phase); END;
  CREATE TABLE chaos_holds (delivery_id TEXT NOT NULL, held_at INTEGER NOT NULL);
  CREATE TRIGGER chaos_held_at_once AFTER INSERT ON posthorn_deliveries WHEN NEW.phase = 'leased'
    BEGIN INSERT INTO chaos_holds VALUES (NEW.id, ${now}); END;
  CREATE TRIGGER chaos_held AFTER UPDATE ON posthorn_deliveries
    WHEN NEW.phase = 'leased' AND (OLD.phase <> 'leased' OR OLD.lease IS NOT NEW.lease)
    BEGIN INSERT INTO chaos_holds VALUES (NEW.id, ${now}); END;`

/** A SQLite file in a temporary folder. */
export async function sqliteStage(options: StageOptions): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-chaos-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const forget = atExit(remove)
  const path = join(folder, 'hooks.db')
  const storage = sqliteStorage(path)
  await createWebhooks(storage, options)
  await storage.close()
  const once = <T>(work: (database: DatabaseSync) => T): T => {
    // Not kept open: a reader that lives long would keep the log from being reset.
    const database = new DatabaseSync(path, { timeout: 10_000 })
    try {
      return work(database)
    } finally {
      database.close()
    }
  }
  once((database) => database.exec(watch))
  return {
    location: { kind: 'sqlite', path },
    tables: {
      events: 'posthorn_events',
      deliveries: 'posthorn_deliveries',
      attempts: 'posthorn_attempts',
      changes: 'chaos_changes',
      holds: 'chaos_holds',
      orders: 'chaos_orders',
    },
    query: async (sql) => once((database) => database.prepare(sql).all()),
    milliseconds: (column) => column,
    integrity: async () =>
      String(once((database) => database.prepare('PRAGMA integrity_check').get())?.['integrity_check']),
    close: async () => {
      forget()
      remove()
    },
  }
}

import { postgresStorage } from 'posthorn/postgres'
import { Pool } from 'pg'
import type { PrivateCluster } from './private-cluster.ts'
import { createWebhooks, isFinal, type Stage, type StageOptions } from './stage.ts'

const watch = `
  CREATE TABLE chaos_orders (n integer PRIMARY KEY, event_id uuid NOT NULL);
  CREATE TABLE chaos_changes (delivery_id uuid NOT NULL, was text NOT NULL, became text NOT NULL);
  CREATE FUNCTION chaos_note_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.chaos_changes VALUES (OLD.id, OLD.phase, NEW.phase); RETURN NULL;
  END $$;
  CREATE TRIGGER chaos_changed AFTER UPDATE ON posthorn.deliveries FOR EACH ROW WHEN (${isFinal('OLD')})
    EXECUTE FUNCTION chaos_note_change();
  CREATE TABLE chaos_holds (delivery_id uuid NOT NULL, held_at timestamptz NOT NULL);
  CREATE FUNCTION chaos_note_hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.chaos_holds VALUES (NEW.id, date_trunc('milliseconds', statement_timestamp())); RETURN NULL;
  END $$;
  CREATE TRIGGER chaos_held_at_once AFTER INSERT ON posthorn.deliveries FOR EACH ROW WHEN (NEW.phase = 'leased')
    EXECUTE FUNCTION chaos_note_hold();
  CREATE TRIGGER chaos_held AFTER UPDATE ON posthorn.deliveries FOR EACH ROW
    WHEN (NEW.phase = 'leased' AND (OLD.phase <> 'leased' OR OLD.lease IS DISTINCT FROM NEW.lease))
    EXECUTE FUNCTION chaos_note_hold();`

/** The database of a private cluster. */
export async function postgresStage(cluster: PrivateCluster, options: StageOptions): Promise<Stage> {
  const pool = new Pool({ ...cluster.connection, max: 2 })
  // What it is used for after a restart opens another connection.
  const storage = postgresStorage(pool)
  await storage.migrate()
  await createWebhooks(storage, options)
  await pool.query(watch)
  return {
    location: { kind: 'postgres', ...cluster.connection },
    tables: {
      events: 'posthorn.events',
      deliveries: 'posthorn.deliveries',
      attempts: 'posthorn.attempts',
      changes: 'chaos_changes',
      holds: 'chaos_holds',
      orders: 'chaos_orders',
    },
    query: async (sql) => (await pool.query<Record<string, unknown>>(sql)).rows,
    milliseconds: (column) => `(extract(epoch FROM ${column}) * 1000)`,
    integrity: async () => {
      await pool.query('CREATE EXTENSION IF NOT EXISTS amcheck')
      const checks = `SELECT count(bt_index_check(c.oid, true)) FROM pg_class c JOIN pg_am a ON a.oid = c.relam
        WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relnamespace = 'posthorn'::regnamespace`
      await pool.query(checks)
      return 'ok'
    },
    close: async () => {
      await pool.end()
      cluster.remove()
    },
  }
}

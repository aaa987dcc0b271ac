import { mkdtemp, rm } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSchema } from '../harness/postgres-schema.ts'
import { openLeastOverStorage } from './least-over-storage.ts'
import { eventType } from './payload.ts'

/** An event with its one delivery. */
export interface LeastEvent {
  readonly id: string
  readonly deliveryId: string
  readonly body: string
}

/** How its one request went. */
export interface LeastOutcome {
  readonly deliveryId: string
  /** In milliseconds since 1970. */
  readonly startedAt: number
  readonly durationMs: number
}

/** Three tables and no more. */
export interface LeastStore {
  /** Commits events with their deliveries. */
  write(events: readonly LeastEvent[]): Promise<void> | void
  /** Commits new states and attempts. */
  record(outcomes: readonly LeastOutcome[]): Promise<void> | void
  remove(): Promise<void>
}

/** Opens the tables, empty, on `postgres` or `sqlite`; those of Posthorn where it is `storage postgres`, `storage sqlite` or `storage memory`. */
export async function openLeastStore(variant: string): Promise<LeastStore> {
  const [kind, name] = variant.split(' ')
  if (kind === 'storage' && name !== undefined) return await openLeastOverStorage(name)
  return variant === 'sqlite' ? await openSqlite() : await openPostgres()
}

async function openPostgres(): Promise<LeastStore> {
  const { pool, schema, remove } = await openSchema()
  // A plan that is kept from when the tables were empty would read them whole.
  pool.on('connect', (client) => void client.query('SET plan_cache_mode = force_custom_plan; SET enable_seqscan = off'))
  await pool.query(`CREATE SCHEMA ${schema};
    CREATE TABLE ${schema}.events (id uuid PRIMARY KEY, type text NOT NULL, body text NOT NULL, created_at timestamptz NOT NULL);
    CREATE TABLE ${schema}.deliveries (id uuid PRIMARY KEY, event_id uuid NOT NULL, state text NOT NULL, attempt_count integer NOT NULL,
      due_at timestamptz, finished_at timestamptz);
    CREATE INDEX ON ${schema}.deliveries (due_at) WHERE state = 'pending';
    CREATE TABLE ${schema}.attempts (delivery_id uuid, number integer, started_at timestamptz NOT NULL,
      duration_ms double precision NOT NULL, status integer, PRIMARY KEY (delivery_id, number))`)
  const writing = `WITH e AS (
      INSERT INTO ${schema}.events SELECT id, '${eventType}', body, now() FROM unnest($1::uuid[], $2::text[]) AS e(id, body)
    ) INSERT INTO ${schema}.deliveries SELECT id, event_id, 'pending', 0, now(), NULL FROM unnest($3::uuid[], $1::uuid[]) AS d(id, event_id)`
  const recording = `WITH d AS (
      UPDATE ${schema}.deliveries SET state = 'succeeded', attempt_count = 1, due_at = NULL, finished_at = now() WHERE id = ANY($1::uuid[])
    ) INSERT INTO ${schema}.attempts SELECT id, 1, to_timestamp(started_at / 1000), duration_ms, 204
      FROM unnest($1::uuid[], $2::float8[], $3::float8[]) AS a(id, started_at, duration_ms)`
  return {
    async write(events) {
      const values = [events.map(({ id }) => id), events.map(({ body }) => body), events.map((each) => each.deliveryId)]
      await pool.query({ name: 'write', text: writing, values })
    },
    async record(outcomes) {
      const values = [
        outcomes.map((each) => each.deliveryId),
        outcomes.map(({ startedAt }) => startedAt),
        outcomes.map(({ durationMs }) => durationMs),
      ]
      await pool.query({ name: 'record', text: recording, values })
    },
    remove,
  }
}

async function openSqlite(): Promise<LeastStore> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-bench-'))
  const database = new DatabaseSync(join(folder, 'least.db'))
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE events (id TEXT PRIMARY KEY, type TEXT NOT NULL, body TEXT NOT NULL, created_at INTEGER NOT NULL);
    CREATE TABLE deliveries (id TEXT PRIMARY KEY, event_id TEXT NOT NULL, state TEXT NOT NULL, attempt_count INTEGER NOT NULL,
      due_at INTEGER, finished_at INTEGER);
    CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state = 'pending';
    CREATE TABLE attempts (delivery_id TEXT, number INTEGER, started_at INTEGER NOT NULL, duration_ms REAL NOT NULL, status INTEGER,
      PRIMARY KEY (delivery_id, number))`)
  const event = database.prepare('INSERT INTO events VALUES (?, ?, ?, ?)')
  const delivery = database.prepare(`INSERT INTO deliveries VALUES (?, ?, 'pending', 0, ?, NULL)`)
  const outcome = database.prepare(
    `UPDATE deliveries SET state = 'succeeded', attempt_count = 1, due_at = NULL, finished_at = ? WHERE id = ?`,
  )
  const attempt = database.prepare('INSERT INTO attempts VALUES (?, 1, ?, ?, 204)')
  const commit = (write: () => void) => {
    database.exec('BEGIN IMMEDIATE')
    write()
    database.exec('COMMIT')
  }
  return {
    write(events) {
      const now = Date.now()
      commit(() => {
        for (const { id, deliveryId, body } of events) {
          event.run(id, eventType, body, now)
          delivery.run(deliveryId, id, now)
        }
      })
    },
    record(outcomes) {
      const now = Date.now()
      commit(() => {
        for (const { deliveryId, startedAt, durationMs } of outcomes) {
          outcome.run(now, deliveryId)
          attempt.run(deliveryId, startedAt, durationMs)
        }
      })
    },
    async remove() {
      database.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

import { PosthornError } from '../../domain/error.ts'
import type { Connection } from './connection.ts'

/** Brings the tables to the version that this code is written for. */
export function migrate(connection: Connection): void {
  if (storedVersion(connection) === migrations.length) return
  connection.write(() => {
    // Read again: another process may have migrated before this one got the lock.
    const version = storedVersion(connection)
    for (const migration of migrations.slice(version)) connection.exec(migration)
    connection.run(
      'INSERT INTO posthorn_schema (id, version) VALUES (1, ?) ON CONFLICT DO UPDATE SET version = excluded.version',
      migrations.length,
    )
  })
}

function storedVersion(connection: Connection): number {
  const [table] = connection.all(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'posthorn_schema'`)
  if (table === undefined) return 0
  const version = connection.first<{ version: number }>('SELECT version FROM posthorn_schema')?.version ?? 0
  if (version <= migrations.length) return version
  throw new PosthornError(
    'STORAGE_SCHEMA',
    `The SQLite database has Posthorn's schema in version ${version}, this release knows ${migrations.length}. Upgrade posthorn.`,
  )
}

// No foreign keys, and few indexes: every one of them is paid for with every delivery.
const version1 = `
CREATE TABLE posthorn_schema (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL
);

CREATE TABLE posthorn_webhooks (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  events TEXT NOT NULL,
  is_active INTEGER NOT NULL,
  disabled_reason TEXT,
  description TEXT,
  metadata TEXT NOT NULL,
  sealed TEXT NOT NULL,
  max_in_flight INTEGER NOT NULL,
  gate_until INTEGER,
  created_by TEXT,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
-- Lists the webhooks of a tenant.
CREATE INDEX posthorn_webhooks_listed ON posthorn_webhooks (tenant_id, id);

-- Matches an event: one lookup for each of the few patterns that its type fits.
CREATE TABLE posthorn_subscriptions (
  tenant_id TEXT NOT NULL,
  pattern TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  PRIMARY KEY (tenant_id, pattern, webhook_id)
) WITHOUT ROWID;

-- In the order of writing (seq), which is what retention goes by.
CREATE TABLE posthorn_events (
  seq INTEGER PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  content_type TEXT NOT NULL,
  idempotency_key TEXT,
  created_at INTEGER NOT NULL
);
-- Finds the second try of an enqueue, and lists the events of a tenant.
CREATE UNIQUE INDEX posthorn_events_listed ON posthorn_events (tenant_id, id);

-- Apart, so that retention finds the oldest bodies without passing every event that has lost its own.
CREATE TABLE posthorn_bodies (
  event_seq INTEGER PRIMARY KEY,
  body TEXT NOT NULL
);

-- phase: ready, waiting or leased (all three: pending), or a final state. due_at is null unless ready or waiting.
CREATE TABLE posthorn_deliveries (
  id TEXT PRIMARY KEY,
  event_seq INTEGER NOT NULL,
  webhook_id TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  phase TEXT NOT NULL,
  reason TEXT,
  attempt_count INTEGER NOT NULL,
  attempts_before INTEGER NOT NULL,
  claim_count INTEGER NOT NULL,
  is_manual INTEGER NOT NULL,
  due_at INTEGER,
  lease TEXT,
  lease_until INTEGER,
  last_status INTEGER,
  created_at INTEGER NOT NULL,
  finished_at INTEGER
) WITHOUT ROWID;
-- One delivery for each webhook of an event; finds the deliveries of an event.
CREATE UNIQUE INDEX posthorn_deliveries_of_event ON posthorn_deliveries (event_seq, webhook_id);
-- Lists the deliveries of a webhook.
CREATE INDEX posthorn_deliveries_of_webhook ON posthorn_deliveries (webhook_id, id);
-- Lists the deliveries of a tenant.
CREATE INDEX posthorn_deliveries_listed ON posthorn_deliveries (tenant_id, id);
-- Claims: the webhooks that have something due, and of each the longest due. Partial, so history does not slow it.
CREATE INDEX posthorn_deliveries_ready ON posthorn_deliveries (webhook_id, due_at) WHERE phase = 'ready';
-- Promotes: what has become due.
CREATE INDEX posthorn_deliveries_waiting ON posthorn_deliveries (due_at) WHERE phase = 'waiting';
-- Promotes: leases that have run out.
CREATE INDEX posthorn_deliveries_expiring ON posthorn_deliveries (lease_until) WHERE phase = 'leased';
-- Counts the live leases of a webhook against its maxInFlight.
CREATE INDEX posthorn_deliveries_leased ON posthorn_deliveries (webhook_id, lease_until) WHERE phase = 'leased';

-- In the order of recording (seq), which is what retention goes by.
CREATE TABLE posthorn_attempts (
  seq INTEGER PRIMARY KEY,
  delivery_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  is_manual INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  duration_ms REAL NOT NULL,
  status INTEGER,
  error TEXT,
  response_headers TEXT,
  response_body TEXT,
  recorded_at INTEGER NOT NULL
);
-- Lists the attempts of a delivery, and refuses a number that is recorded already.
CREATE UNIQUE INDEX posthorn_attempts_of_delivery ON posthorn_attempts (delivery_id, number);

CREATE TABLE posthorn_idempotency (
  tenant_id TEXT NOT NULL,
  key TEXT NOT NULL,
  event_id TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, key)
) WITHOUT ROWID;
-- Forgets the keys that have expired.
CREATE INDEX posthorn_idempotency_expiring ON posthorn_idempotency (expires_at);
`

// The time that due dates and leases go by, which never steps back: how far it is, and how far ahead of the system's clock.
const version2 = `
CREATE TABLE posthorn_clock (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  seen_at INTEGER NOT NULL,
  ahead_ms INTEGER NOT NULL
);
INSERT INTO posthorn_clock (id, seen_at, ahead_ms) VALUES (1, 0, 0);
`

/** What the indexes of undelivered ones hold, as it stands in them. */
export const isUndelivered = `phase IN ('failed', 'cancelled', 'skipped')`

/** What the index of queued ones holds, as it stands in it. */
export const isQueued = `phase IN ('ready', 'waiting')`

// Partial: what is leased as it is written, and succeeds, is in none of them and does not pay for them.
const version3 = `
-- Lists what did not succeed, of a tenant and of a webhook.
CREATE INDEX posthorn_deliveries_undelivered ON posthorn_deliveries (tenant_id, phase, id) WHERE ${isUndelivered};
CREATE INDEX posthorn_deliveries_undelivered_of_webhook ON posthorn_deliveries (webhook_id, tenant_id, phase, id) WHERE ${isUndelivered};
-- Counts the backlog of a tenant, whatever that of others.
CREATE INDEX posthorn_deliveries_queued ON posthorn_deliveries (tenant_id, phase, due_at) WHERE ${isQueued};
`

/** One entry a version, applied in order. Released entries are never changed. */
const migrations: readonly string[] = [version1, version2, version3]

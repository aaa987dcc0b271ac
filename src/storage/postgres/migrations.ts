import { creatingFunctions } from './functions.ts'
import { assertSchemaName, namesIn } from './names.ts'
import { overdueFunction } from './overdue.ts'

/** One step of the schema. */
export interface PostgresMigration {
  /** The version that it leads to, from 1. */
  readonly version: number
  /** Statements to run in one transaction. They record the version. */
  readonly sql: string
}

/** Which migrations to print. */
export interface PostgresMigrationsOptions {
  /** The schema that holds the tables; `posthorn` unless given. */
  readonly schema?: string
}

/**
 * Gives the SQL of every migration, in order, for a tool of the caller's to run in place of `storage.migrate()`. What was released is
 * never changed: a later release adds to the end.
 *
 * @throws TypeError for a schema that is no plain lower-case name.
 */
export function postgresMigrations(options: PostgresMigrationsOptions = {}): PostgresMigration[] {
  const { schema = 'posthorn' } = options
  assertSchemaName(schema)
  return versions.map((sql, index) => ({ version: index + 1, sql: sql(schema) }))
}

// No foreign keys, and few indexes: every one of them is paid for with every delivery. COLLATE "C": texts are compared, never sorted
// for people. Where a role may not create schemas, somebody else has created it.
function version1(schema: string): string {
  const t = namesIn(schema)
  return `
DO $create$ BEGIN
  IF to_regnamespace('${t.schema}') IS NULL THEN CREATE SCHEMA ${t.schema}; END IF;
END $create$;

CREATE TABLE ${t.version} (
  id integer PRIMARY KEY CHECK (id = 1),
  version integer NOT NULL
);

CREATE TABLE ${t.webhooks} (
  id uuid PRIMARY KEY,
  tenant_id text COLLATE "C" NOT NULL,
  name text NOT NULL,
  url text NOT NULL,
  events jsonb NOT NULL,
  is_active boolean NOT NULL,
  disabled_reason text,
  description text,
  metadata jsonb NOT NULL,
  sealed text NOT NULL,
  max_in_flight integer NOT NULL,
  gate_until timestamptz,
  created_by text,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
-- Lists the webhooks of a tenant.
CREATE INDEX webhooks_listed ON ${t.webhooks} (tenant_id, id);

-- One row for each webhook, which every claim of its deliveries locks and counts up: two claims at once cannot both take its last
-- free slot. Apart from the webhook, so that a claim writes a few bytes.
CREATE TABLE ${t.lanes} (
  webhook_id uuid PRIMARY KEY,
  claim_count bigint NOT NULL
) WITH (fillfactor = 50);

-- Matches an event: one lookup for each of the few patterns that its type fits.
CREATE TABLE ${t.subscriptions} (
  tenant_id text COLLATE "C" NOT NULL,
  pattern text COLLATE "C" NOT NULL,
  webhook_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, pattern, webhook_id)
);
-- Finds the patterns of a webhook that is changed.
CREATE INDEX subscriptions_of_webhook ON ${t.subscriptions} (webhook_id);

-- In the order of writing (seq), which is what retention goes by.
CREATE TABLE ${t.events} (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id text COLLATE "C" NOT NULL,
  id uuid NOT NULL,
  type text COLLATE "C" NOT NULL,
  content_type text NOT NULL,
  idempotency_key text,
  created_at timestamptz NOT NULL
);
-- Finds the second try of an enqueue, and lists the events of a tenant.
CREATE UNIQUE INDEX events_listed ON ${t.events} (tenant_id, id);

-- Apart, so that retention finds the oldest bodies without passing every event that has lost its own.
CREATE TABLE ${t.bodies} (
  event_seq bigint PRIMARY KEY,
  body text NOT NULL
);

-- phase: ready, waiting or leased (all three: pending), or a final state. due_at is when a waiting one is due, since when a ready one
-- has been, and when the lease of a leased one runs out; null where final.
CREATE TABLE ${t.deliveries} (
  id uuid PRIMARY KEY,
  event_seq bigint NOT NULL,
  webhook_id uuid NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  phase text COLLATE "C" NOT NULL,
  reason text,
  attempt_count integer NOT NULL,
  attempts_before integer NOT NULL,
  claim_count integer NOT NULL,
  is_manual boolean NOT NULL,
  due_at timestamptz,
  lease uuid,
  last_status integer,
  created_at timestamptz NOT NULL,
  finished_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
-- One delivery for each webhook of an event; finds the deliveries of an event.
CREATE UNIQUE INDEX deliveries_of_event ON ${t.deliveries} (event_seq, webhook_id);
-- Lists the deliveries of a webhook.
CREATE INDEX deliveries_of_webhook ON ${t.deliveries} (webhook_id, id);
-- Lists the deliveries of a tenant.
CREATE INDEX deliveries_listed ON ${t.deliveries} (tenant_id, id);
-- Claims: the webhooks that have something due, and of each the longest due. Partial, so history does not slow it.
CREATE INDEX deliveries_ready ON ${t.deliveries} (webhook_id, due_at) WHERE phase = 'ready';
-- Promotes: what has come due, and leases that have run out.
CREATE INDEX deliveries_waiting ON ${t.deliveries} (due_at) WHERE phase IN ('waiting', 'leased');
-- Counts the leases of a webhook against its maxInFlight.
CREATE INDEX deliveries_leased ON ${t.deliveries} (webhook_id, due_at) WHERE phase = 'leased';

-- In the order of recording (seq), which is what retention goes by.
CREATE TABLE ${t.attempts} (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  delivery_id uuid NOT NULL,
  number integer NOT NULL,
  is_manual boolean NOT NULL,
  started_at timestamptz NOT NULL,
  duration_ms double precision NOT NULL,
  status integer,
  error text,
  response_headers jsonb,
  response_body text,
  recorded_at timestamptz NOT NULL
);
-- Lists the attempts of a delivery, and refuses a number that is recorded already.
CREATE UNIQUE INDEX attempts_of_delivery ON ${t.attempts} (delivery_id, number);

CREATE TABLE ${t.idempotency} (
  tenant_id text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  event_id uuid NOT NULL,
  body_hash text NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, key)
);
-- Forgets the keys that have expired.
CREATE INDEX idempotency_expiring ON ${t.idempotency} (expires_at);

INSERT INTO ${t.version} (id, version) VALUES (1, 1);
`
}

function version2(schema: string): string {
  const t = namesIn(schema)
  return `
-- The time that due dates and leases go by, which never steps back: how far it is, and how far ahead of the server's clock.
CREATE TABLE ${t.clock} (
  id integer PRIMARY KEY CHECK (id = 1),
  seen_at timestamptz NOT NULL,
  ahead_ms bigint NOT NULL
);
INSERT INTO ${t.clock} (id, seen_at, ahead_ms) VALUES (1, 'epoch', 0);
UPDATE ${t.version} SET version = 2;
`
}

// Once this is released, what changes a function is a version of its own that creates it again.
function version3(schema: string): string {
  return `
${creatingFunctions(schema)}
UPDATE ${namesIn(schema).version} SET version = 3;
`
}

function version4(schema: string): string {
  return `
${overdueFunction.creating(schema)}
UPDATE ${namesIn(schema).version} SET version = 4;
`
}

function version5(schema: string): string {
  const t = namesIn(schema)
  const isUndelivered = `phase IN ('failed', 'cancelled', 'skipped')`
  return `
-- Partial: what is leased as it is written, and succeeds, is in none of them and does not pay for them.
-- Lists what did not succeed, of a tenant and of a webhook.
CREATE INDEX deliveries_undelivered ON ${t.deliveries} (tenant_id, phase, id) WHERE ${isUndelivered};
CREATE INDEX deliveries_undelivered_of_webhook ON ${t.deliveries} (webhook_id, tenant_id, phase, id) WHERE ${isUndelivered};
-- Counts the backlog of a tenant, whatever that of others.
CREATE INDEX deliveries_queued ON ${t.deliveries} (tenant_id, phase, due_at) WHERE phase IN ('ready', 'waiting');
-- What this release calls: databases of version 4 may have functions of before.
${creatingFunctions(schema)}
${overdueFunction.creating(schema)}
UPDATE ${t.version} SET version = 5;
`
}

/** One entry a version, applied in order. Released entries are never changed. */
const versions: readonly ((schema: string) => string)[] = [version1, version2, version3, version4, version5]

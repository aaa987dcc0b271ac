import { PosthornError } from '../../domain/error.ts'
import { Database } from '../../storage/postgres/database.ts'
import { assertSchemaName, namesIn } from '../../storage/postgres/names.ts'
import { type PostgresClient, survivePoolErrors, toExecutor } from '../../storage/postgres/postgres-client.ts'
import type { SqlExecutor, SqlParameter } from '../../storage/sql-executor.ts'
import type {
  HeldReservation,
  IdempotencyStore,
  LapsedEvent,
  LapsedQuery,
  Reservation,
  ReserveResult,
} from '../../storage/idempotency-store.ts'

/** Options of {@link postgresIdempotency}. */
export interface PostgresIdempotencyOptions {
  /** The database schema that holds the table: 1 to 63 characters of a-z, 0-9 and `_`; `posthorn` unless given. */
  readonly schema?: string
}

/** A store in a Postgres database. */
export interface PostgresIdempotency extends IdempotencyStore {
  /**
   * Creates the table `received`, and the schema where it is missing. Run it when you deploy: nothing else ever does. Any number of
   * processes may do so at the same time.
   *
   * @throws PosthornError `STORAGE_FAILED` where Postgres refuses.
   */
  migrate(): Promise<void>
  /** The SQL that {@link PostgresIdempotency.migrate} runs, for a tool of the caller's. */
  readonly migration: string
}

/**
 * Creates a store in a Postgres database (version 13 or later), for any number of processes: each operation is one statement, judged by
 * the server's clock. Events past their keep time are removed a few at a time, by later reservations. The client is the caller's: a
 * `Pool` of pg, the `sql` of postgres.js, a PGlite, or any {@link SqlExecutor}.
 *
 * @throws TypeError for a wrong client or option.
 */
export function postgresIdempotency(
  client: PostgresClient,
  options: PostgresIdempotencyOptions = {},
): PostgresIdempotency {
  const { schema = 'posthorn' } = options
  assertSchemaName(schema)
  const executor = toExecutor(client)
  survivePoolErrors(client)
  return new PostgresTable(executor, schema)
}

/** What a statement gives back of one event. */
interface ReservedRow {
  readonly status: 'reserved' | 'in-flight' | 'completed'
  readonly attempt: number
  readonly fingerprint: string
  readonly answer: string | null
  readonly retryInMs: number
}

/** The store itself; tests give it another clock. */
export class PostgresTable implements PostgresIdempotency {
  readonly name = 'postgres'
  readonly durability = 'server'
  readonly migration: string
  readonly #database: Database
  readonly #table: string

  constructor(executor: SqlExecutor, schema: string, names = namesIn(schema)) {
    this.#database = new Database(executor, names)
    this.#table = `${names.schema}.received`
    this.migration = migrationOf(schema, names.schema, this.#table)
  }

  async migrate(): Promise<void> {
    await this.#database.execute(this.migration)
  }

  async reserve(reservation: Reservation): Promise<ReserveResult> {
    const { scope, id, lease, leaseMs, keepMs, fingerprint, record } = reservation
    const { now } = this.#database.names
    const t = this.#table
    const isExpired = `t.expires_at <= ${now}`
    const isFree = `(${isExpired} OR (t.lease IS NOT NULL AND t.lease_until <= ${now}))`
    const taken = (column: string) => `${column} = CASE WHEN ${isFree} THEN excluded.${column} ELSE t.${column} END`
    // Whoever has the event, the row comes back; whose lease it carries tells who. One statement, so no race between look and take.
    const ctes = `
WITH removed AS (
  DELETE FROM ${t} WHERE (scope, id) IN (
    SELECT scope, id FROM ${t} WHERE expires_at <= ${now} AND (scope, id) <> ($1, $2)
    ORDER BY expires_at LIMIT 20 FOR UPDATE SKIP LOCKED)
), event AS (
  INSERT INTO ${t} AS t (scope, id, lease, lease_until, attempt, fingerprint, record, expires_at)
  VALUES ($1, $2, $3, ${now} + $4::float8 * interval '1 ms', 1, $5, $6, ${now} + $7::float8 * interval '1 ms')
  ON CONFLICT (scope, id) DO UPDATE SET
    ${['lease', 'lease_until', 'record', 'expires_at'].map(taken).join(', ')},
    attempt = CASE WHEN ${isExpired} THEN 1 WHEN ${isFree} THEN t.attempt + 1 ELSE t.attempt END,
    fingerprint = CASE WHEN ${isExpired} THEN excluded.fingerprint ELSE t.fingerprint END
  RETURNING *
)`
    const select = `
SELECT CASE WHEN lease = $3 THEN 'reserved' WHEN lease IS NULL THEN 'completed' ELSE 'in-flight' END AS status,
  attempt, fingerprint, record AS answer, ceil(extract(epoch FROM lease_until - ${now}) * 1000)::float8 AS "retryInMs" FROM event`
    const params = [scope, id, lease, leaseMs, fingerprint, record, keepMs]
    const row = await this.#one<ReservedRow>(select, params, ctes)
    const { status, attempt, fingerprint: first, retryInMs, answer } = row
    if (status === 'reserved') return { status, attempt, fingerprint: first }
    if (status === 'completed') return { status, fingerprint: first, answer }
    return { status, retryInMs, fingerprint: first }
  }

  async complete(
    { scope, id, lease, fingerprint }: HeldReservation,
    keepMs: number,
    answer?: string,
  ): Promise<boolean> {
    const { now } = this.#database.names
    const ctes = `
WITH event AS (
  INSERT INTO ${this.#table} AS t (scope, id, lease, lease_until, attempt, fingerprint, record, expires_at)
  VALUES ($1, $2, NULL, ${now}, 1, $4, $6, ${now} + $5::float8 * interval '1 ms')
  ON CONFLICT (scope, id) DO UPDATE SET lease = NULL, record = excluded.record, expires_at = excluded.expires_at,
    fingerprint = CASE WHEN t.expires_at <= ${now} THEN excluded.fingerprint ELSE t.fingerprint END
  WHERE t.lease = $3 OR t.expires_at <= ${now} OR (t.lease IS NOT NULL AND t.lease_until <= ${now})
  RETURNING 1
)`
    const params = [scope, id, lease, fingerprint, keepMs, answer ?? null]
    return (await this.#all('SELECT 1 AS done FROM event', params, ctes)).length === 1
  }

  async release({ scope, id, lease }: HeldReservation): Promise<boolean> {
    const { now } = this.#database.names
    const mine = `scope = $1 AND id = $2 AND lease = $3 AND expires_at > ${now}`
    const ctes = `
WITH forgotten AS (DELETE FROM ${this.#table} WHERE ${mine} AND record IS NULL RETURNING 1),
lapsed AS (UPDATE ${this.#table} SET lease_until = ${now} WHERE ${mine} AND record IS NOT NULL RETURNING 1)`
    const select = 'SELECT 1 AS done FROM forgotten UNION ALL SELECT 1 FROM lapsed'
    return (await this.#all(select, [scope, id, lease], ctes)).length === 1
  }

  async claimLapsed({ scope, lease, leaseMs, limit }: LapsedQuery): Promise<LapsedEvent[]> {
    const { now } = this.#database.names
    const ctes = `
WITH found AS (
  SELECT scope, id, lease_until FROM ${this.#table}
  WHERE scope = $1 AND record IS NOT NULL AND lease IS NOT NULL AND lease_until <= ${now} AND expires_at > ${now}
  ORDER BY lease_until LIMIT $4 FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE ${this.#table} t SET lease = $2, lease_until = ${now} + $3::float8 * interval '1 ms', attempt = t.attempt + 1
  FROM found WHERE t.scope = found.scope AND t.id = found.id
  RETURNING t.id, t.attempt, t.fingerprint, t.record, found.lease_until
)`
    const select = 'SELECT id, attempt, fingerprint, record FROM claimed ORDER BY lease_until'
    return await this.#all<LapsedEvent>(select, [scope, lease, leaseMs, limit], ctes)
  }

  async #one<Row>(select: string, params: readonly SqlParameter[], ctes: string): Promise<Row> {
    const [row] = await this.#all<Row>(select, params, ctes)
    if (row === undefined) throw new Error('a statement that always gives a row gave none')
    return row
  }

  async #all<Row>(select: string, params: readonly SqlParameter[], ctes: string): Promise<Row[]> {
    try {
      return await this.#database.all<Row>(select, params, ctes)
    } catch (error) {
      if (!(error instanceof PosthornError) || error.code !== 'STORAGE_SCHEMA') throw error
      const message = `The table ${this.#table} is missing: run migrate() of postgresIdempotency once when you deploy.`
      throw new PosthornError('STORAGE_SCHEMA', message, { cause: error.cause })
    }
  }
}

// A completed event has no lease; its record is the answer that it was completed with. One statement, so one transaction. COLLATE "C": texts are compared, never sorted for people.
function migrationOf(schema: string, quoted: string, table: string): string {
  return `
DO $create$ BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('posthorn:${schema}', 0));
  IF to_regnamespace('${quoted}') IS NULL THEN CREATE SCHEMA ${quoted}; END IF;
  CREATE TABLE IF NOT EXISTS ${table} (
    scope text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    lease text,
    lease_until timestamptz NOT NULL,
    attempt integer NOT NULL,
    fingerprint text NOT NULL,
    record text,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (scope, id)
  );
  CREATE INDEX IF NOT EXISTS received_expiry ON ${table} (expires_at);
  CREATE INDEX IF NOT EXISTS received_lapsing ON ${table} (scope, lease_until) WHERE record IS NOT NULL;
END $create$`
}

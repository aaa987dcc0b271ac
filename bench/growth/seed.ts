import type { Pool } from 'pg'

/** What is written into the tables before anything is measured. */
export interface Seed {
  /** Deliveries that succeeded, each with its event, its body and its attempt. */
  readonly finished: number
  /** Deliveries that wait for a day still. */
  readonly parked: number
}

/** How many webhooks the history is spread over. */
const webhooks = 1000
// One statement writes this many, so that progress is kept and memory stays small.
const chunk = 250_000

/**
 * Fills the tables of a migrated schema by SQL: dispatching five million events would take an hour. It knows the tables from the
 * inside, so a migration may have it changed.
 */
export async function seed(pool: Pool, schema: string, { finished, parked }: Seed): Promise<void> {
  const total = finished + parked
  if (total === 0) return
  const indexes = await dropIndexes(pool, schema)
  const starts = Array.from({ length: Math.ceil(total / chunk) }, (_, index) => index * chunk)
  const fill = async () => {
    for (let from = starts.shift(); from !== undefined; from = starts.shift()) {
      await insert(pool, schema, { from, to: Math.min(total, from + chunk), finished, total })
    }
  }
  // On both cores: nothing is measured yet.
  await Promise.all([fill(), fill()])
  for (const index of indexes) await pool.query(index)
  await pool.query(`VACUUM (ANALYZE) ${tables.map((table) => `${schema}.${table}`).join(', ')}`)
}

/** Drops what is not a primary key, since an index is built in less time than it is kept; returns the statements that create it again. */
async function dropIndexes(pool: Pool, schema: string): Promise<string[]> {
  const { rows } = await pool.query<{ name: string; definition: string }>(
    `SELECT indexname AS name, indexdef AS definition FROM pg_indexes
     WHERE schemaname = $1 AND tablename = ANY($2) AND indexname NOT LIKE '%\\_pkey'`,
    [schema, tables],
  )
  for (const { name } of rows) await pool.query(`DROP INDEX ${schema}.${name}`)
  return rows.map(({ definition }) => definition)
}

const tables = ['events', 'bodies', 'deliveries', 'attempts']

interface Range {
  readonly from: number
  readonly to: number
  readonly finished: number
  readonly total: number
}

async function insert(pool: Pool, schema: string, { from, to, finished, total }: Range): Promise<void> {
  // Ids are UUIDv7 of one event each tenth of a second, up to now.
  const at = `(now() - make_interval(secs => (${total} - n) * 0.1))`
  const hex = `lpad(to_hex((extract(epoch FROM ${at}) * 1000)::bigint), 12, '0')`
  const id = (kind: number) =>
    `(substr(${hex}, 1, 8) || substr(${hex}, 9, 4) || '7${kind}00' || '8000' || lpad(to_hex(n), 12, '0'))::uuid`
  const webhookId = `('00000000-0000-7000-8000-' || lpad(to_hex(n % ${webhooks}), 12, '0'))::uuid`
  await pool.query(`
    WITH numbers AS (SELECT n FROM generate_series(${from}::bigint, ${to - 1}::bigint) n),
    event AS (
      INSERT INTO ${schema}.events (tenant_id, id, type, content_type, created_at)
      SELECT 'default', ${id(0)}, 'history.written', 'application/json', ${at} FROM numbers ORDER BY n
      RETURNING seq, id
    ),
    -- The last twelve digits of an id are the number.
    numbered AS (SELECT seq, ('x' || right(id::text, 12))::bit(48)::bigint AS n FROM event),
    body AS (
      INSERT INTO ${schema}.bodies (event_seq, body) SELECT seq, '{"history":' || n || '}' FROM numbered
    ),
    delivery AS (
      INSERT INTO ${schema}.deliveries (id, event_seq, webhook_id, tenant_id, phase, attempt_count, attempts_before, claim_count,
        is_manual, due_at, last_status, created_at, finished_at)
      SELECT ${id(1)}, seq, ${webhookId}, 'default',
        CASE WHEN n >= ${finished} THEN 'waiting' WHEN n % 50 = 0 THEN 'failed' ELSE 'succeeded' END,
        1, 0, 0, false,
        CASE WHEN n >= ${finished} THEN now() + interval '1 day' + make_interval(secs => n * 0.001) END,
        CASE WHEN n >= ${finished} OR n % 50 = 0 THEN 503 ELSE 204 END, ${at}, CASE WHEN n < ${finished} THEN ${at} END
      FROM numbered
    )
    INSERT INTO ${schema}.attempts (delivery_id, number, is_manual, started_at, duration_ms, status, response_headers, response_body,
      recorded_at)
    SELECT ${id(1)}, 1, false, ${at}, 12, CASE WHEN n >= ${finished} OR n % 50 = 0 THEN 503 ELSE 204 END,
      '{"connection":"keep-alive"}', '', ${at} FROM numbered`)
}

import type { PostgresSchema } from './postgres-schema.ts'

/** How much there is of what. */
export interface Sizes {
  /** Healthy webhooks. */
  readonly webhooks: number
  /** Deliveries due on them. */
  readonly healthy: number
  /** Deliveries due on the dead one. */
  readonly dead: number
  /** Deliveries that wait for later, on all of them. */
  readonly parked: number
}

/** Makes healthy webhooks like the one given, each with a URL of its own. */
export async function seedWebhooks(schema: PostgresSchema, likeId: string, { webhooks }: Sizes): Promise<void> {
  await schema.pool.query(
    `WITH made AS (
       INSERT INTO ${schema.name}.webhooks (id, tenant_id, name, url, events, is_active, metadata, sealed, max_in_flight, version,
         created_at, updated_at)
       SELECT gen_random_uuid(), tenant_id, 'healthy', 'https://healthy.example.com/' || n, events, true, metadata, sealed, max_in_flight, 1,
         created_at, updated_at
       FROM ${schema.name}.webhooks, generate_series(1, $2::integer) n WHERE id = $1 RETURNING id
     )
     INSERT INTO ${schema.name}.lanes (webhook_id, claim_count) SELECT id, 0 FROM made`,
    [likeId, webhooks],
  )
}

/** Has the same number of deliveries due on each healthy webhook, since a second. */
export async function seedHealthy(schema: PostgresSchema, { webhooks, healthy }: Sizes): Promise<void> {
  await seed(schema, healthy / webhooks, 'ready', `now() - interval '1 second'`, `w.name = 'healthy'`)
}

/** Has deliveries due on the dead webhook, since an hour. */
export async function seedDead(schema: PostgresSchema, deadId: string, { dead }: Sizes): Promise<void> {
  await seed(schema, dead, 'ready', `now() - interval '1 hour'`, `w.id = '${deadId}'`)
}

/** Has deliveries of healthy webhooks wait for one hour to a day. */
export async function seedParked(schema: PostgresSchema, { webhooks, parked }: Sizes): Promise<void> {
  const dueAt = `now() + (1 + 23 * random()) * interval '1 hour'`
  const half = Math.ceil(parked / webhooks / 2)
  const seedSome = async (events: number) => await seed(schema, events, 'waiting', dueAt, `w.name = 'healthy'`)
  // Nothing is measured yet: both cores may be used.
  await Promise.all([seedSome(half), seedSome(parked / webhooks - half)])
}

// A UUIDv7, as the ids are that are dispatched: in the order of time, which is also written in half the time.
const sinceEpoch = `lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')`
const newId = `(regexp_replace(${sinceEpoch}, '^.{8}', '\\&-') || '-7' || substr(gen_random_uuid()::text, 16))::uuid`

// As if they had been dispatched: events with their bodies, and a delivery of each to every webhook.
async function seed(
  schema: PostgresSchema,
  events: number,
  phase: string,
  dueAt: string,
  webhooks: string,
): Promise<void> {
  const { name, pool } = schema
  await pool.query(
    `WITH made AS (
       INSERT INTO ${name}.events (tenant_id, id, type, content_type, created_at)
       SELECT 'default', ${newId}, 'chaos.event', 'application/json', now() FROM generate_series(1, $1::integer)
       RETURNING seq
     ),
     embodied AS (INSERT INTO ${name}.bodies (event_seq, body) SELECT seq, '{"text":"' || repeat('x', 200) || '"}' FROM made)
     INSERT INTO ${name}.deliveries (id, event_seq, webhook_id, tenant_id, phase, attempt_count, attempts_before, claim_count,
       is_manual, due_at, created_at)
     SELECT ${newId}, e.seq, w.id, 'default', '${phase}', 0, 0, 0, false, ${dueAt}, now()
     FROM made e CROSS JOIN ${name}.webhooks w WHERE ${webhooks}`,
    [events],
  )
}

import { createHash } from 'node:crypto'

/** How the SQL names what it works on. */
export interface Names {
  /** The schema, quoted. */
  readonly schema: string
  /** The instant at which a statement began, to the millisecond, as SQL. */
  readonly now: string
  readonly version: string
  readonly webhooks: string
  readonly lanes: string
  readonly subscriptions: string
  readonly events: string
  readonly bodies: string
  readonly deliveries: string
  readonly attempts: string
  readonly idempotency: string
  /** What is notified of deliveries that are due; null where nothing is. */
  readonly channel: string | null
}

/** The names in a schema. The database's clock is the only one that due dates and leases go by. */
export function namesIn(schema: string, now = databaseNow, isNotifying = false): Names {
  const quoted = `"${schema}"`
  return {
    schema: quoted,
    now,
    version: `${quoted}.schema_version`,
    webhooks: `${quoted}.webhooks`,
    lanes: `${quoted}.lanes`,
    subscriptions: `${quoted}.subscriptions`,
    events: `${quoted}.events`,
    bodies: `${quoted}.bodies`,
    deliveries: `${quoted}.deliveries`,
    attempts: `${quoted}.attempts`,
    idempotency: `${quoted}.idempotency`,
    channel: isNotifying ? channelOf(schema) : null,
  }
}

/** The channel of a schema: one of its own, in the 63 bytes that a name may have. */
function channelOf(schema: string): string {
  const channel = `posthorn_${schema}`
  return channel.length <= 63 ? channel : `posthorn_${createHash('sha256').update(schema).digest('hex').slice(0, 32)}`
}

/** Refuses a schema whose name would have to be escaped somewhere. */
export function assertSchemaName(schema: unknown): asserts schema is string {
  if (typeof schema === 'string' && /^[a-z_][a-z0-9_]{0,62}$/.test(schema) && !schema.startsWith('pg_')) return
  throw new TypeError(
    'schema must be 1 to 63 characters of a-z, 0-9 and _ that begin neither with a digit nor with pg_, ' +
      `not ${typeof schema === 'string' ? JSON.stringify(schema) : typeof schema}.`,
  )
}

// Not now(): in a transaction of the caller that is when it began.
const databaseNow = `date_trunc('milliseconds', statement_timestamp())`

import { createHash } from 'node:crypto'
import { later } from './sql.ts'

/** How the SQL names what it works on. */
export interface Names {
  /** The schema, not quoted. */
  readonly schemaName: string
  /** The schema, quoted. */
  readonly schema: string
  /** The time that due dates and leases go by, as SQL. */
  readonly now: string
  /** The time by the server's clock, as SQL: for what people read. */
  readonly wall: string
  /** By how much `now` is ahead of `wall`, in milliseconds; 0 until somebody finds that the clock has stepped back. */
  aheadMs: number
  readonly clock: string
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

/** What the names of a schema depend on. */
export interface NamesOptions {
  /** The time by the server's clock, as SQL; tests give another. */
  readonly wall?: () => string
  /** Whether deliveries that are due are notified. */
  readonly isNotifying?: boolean
}

/** The names in a schema. The database's clock is the only one that due dates and leases go by. */
export function namesIn(schema: string, { wall = () => databaseNow, isNotifying = false }: NamesOptions = {}): Names {
  const quoted = `"${schema}"`
  return {
    schemaName: schema,
    schema: quoted,
    get now() {
      return this.aheadMs === 0 ? wall() : `(${later(wall(), `${this.aheadMs}`)})`
    },
    get wall() {
      return wall()
    },
    aheadMs: 0,
    clock: `${quoted}.clock`,
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
export function channelOf(schema: string): string {
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

// To the millisecond. Not now(): in a transaction of the caller that is when it began.
const databaseNow = `date_trunc('milliseconds', statement_timestamp())`

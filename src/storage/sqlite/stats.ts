import type { StatsQuery } from '../query.ts'
import type { StorageStats } from '../storage.ts'
import type { Connection } from './connection.ts'
import { isQueued } from './schema.ts'
import type { SqliteValue } from './sqlite-value.ts'

// What is looked at of each kind before the counts become estimates: tens of milliseconds of work.
const maxSeen = 100_000

/** Counts pending deliveries off the partial indexes. What is due but not promoted yet counts as ready. */
export function stats(connection: Connection, query: StatsQuery, now: number): StorageStats {
  const { webhookId, tenantId } = query
  const ofWebhook = webhookId === undefined ? null : ([['webhook_id', webhookId]] as const)
  const ofTenant = tenantId === undefined ? null : ([['tenant_id', tenantId]] as const)
  const leased: Source = ofWebhook
    ? { index: 'leased', lead: ofWebhook, instant: 'lease_until' }
    : { index: 'expiring', lead: [], instant: 'lease_until' }
  const waiting: Source = ofTenant
    ? { index: 'queued', lead: ofTenant, instant: 'due_at' }
    : { index: 'waiting', lead: [], instant: 'due_at' }
  const lane: Source = { index: 'ready', lead: ofWebhook ?? [], instant: 'due_at' }
  const ready = [
    count(connection, query, ofTenant && !ofWebhook ? waiting : lane, `phase = 'ready'`, []),
    count(connection, query, waiting, `phase = 'waiting' AND due_at <= ?`, [now]),
    count(connection, query, leased, `phase = 'leased' AND lease_until <= ?`, [now]),
  ]
  const later = count(connection, query, waiting, `phase = 'waiting' AND due_at > ?`, [now])
  const held = count(connection, query, leased, `phase = 'leased' AND lease_until > ?`, [now])
  const oldest = ready.map(({ oldestAt }) => oldestAt).filter((at) => at !== null)
  return {
    ready: ready.reduce((sum, part) => sum + part.count, 0),
    waiting: later.count,
    leased: held.count,
    oldestReadyMs: oldest.length === 0 ? null : Math.max(0, now - Math.min(...oldest)),
    isApproximate: [...ready, later, held].some(({ isCut }) => isCut),
  }
}

type Owner = readonly [column: 'webhook_id' | 'tenant_id', id: string]

/** An index to count off. */
interface Source {
  readonly index: 'ready' | 'waiting' | 'queued' | 'expiring' | 'leased'
  /** Whose entries it finds. */
  readonly lead: readonly Owner[]
  readonly instant: 'due_at' | 'lease_until'
}

interface Count {
  readonly count: number
  readonly oldestAt: number | null
  readonly isCut: boolean
}

function count(
  connection: Connection,
  { tenantId, webhookId, countUpTo = maxSeen }: StatsQuery,
  { index, lead, instant }: Source,
  phase: string,
  values: readonly SqliteValue[],
): Count {
  const owners: readonly Owner[] = [
    ...(tenantId === undefined ? [] : [['tenant_id', tenantId] as const]),
    ...(webhookId === undefined ? [] : [['webhook_id', webhookId] as const]),
  ]
  // What no index finds is filtered outside the LIMIT, so that the LIMIT bounds what is looked at.
  const filters = owners.filter(([column]) => lead.every(([found]) => found !== column))
  const columns = [`${instant} AS at`, ...filters.map(([column]) => column)].join(', ')
  const isWanted = filters.map(([column]) => `${column} = ?`).join(' AND ')
  const filter = isWanted === '' ? '' : `FILTER (WHERE ${isWanted})`
  const wanted = filters.map(([, id]) => id)
  // SQLite takes a partial index only where its own condition stands in the query.
  const isIndexed = index === 'queued' ? ` AND ${isQueued}` : ''
  const row = connection.one<{ count: number; seen: number; oldest_at: number | null }>(
    `SELECT count(*) ${filter} AS count, min(at) ${filter} AS oldest_at, count(*) AS seen FROM (
       SELECT ${columns} FROM posthorn_deliveries INDEXED BY posthorn_deliveries_${index}
       WHERE ${phase}${isIndexed}${lead.map(([column]) => ` AND ${column} = ?`).join('')} LIMIT ?
     )`,
    ...wanted,
    ...wanted,
    ...values,
    ...lead.map(([, id]) => id),
    countUpTo,
  )
  return { count: row.count, oldestAt: row.oldest_at, isCut: row.seen === countUpTo }
}

import type { StorageStats } from '../storage.ts'
import type { Connection } from './connection.ts'
import type { SqliteValue } from './sqlite-value.ts'

/** Whose deliveries to count. */
export interface StatsQuery {
  readonly tenantId?: string
  readonly webhookId?: string
}

// What is looked at of each kind before the counts become estimates: tens of milliseconds of work.
const maxSeen = 100_000

/** Counts pending deliveries off the partial indexes. What is due but not promoted yet counts as ready. */
export function stats(connection: Connection, query: StatsQuery, now: number): StorageStats {
  // Only these two indexes lead with the webhook.
  const isLane = query.webhookId !== undefined
  const leased = { index: isLane ? 'leased' : 'expiring', instant: 'lease_until', isLane } as const
  const waiting = { index: 'waiting', instant: 'due_at', isLane: false } as const
  const ready = [
    count(connection, query, { index: 'ready', instant: 'due_at', isLane, phase: `phase = 'ready'` }, []),
    count(connection, query, { ...waiting, phase: `phase = 'waiting' AND due_at <= ?` }, [now]),
    count(connection, query, { ...leased, phase: `phase = 'leased' AND lease_until <= ?` }, [now]),
  ]
  const later = count(connection, query, { ...waiting, phase: `phase = 'waiting' AND due_at > ?` }, [now])
  const held = count(connection, query, { ...leased, phase: `phase = 'leased' AND lease_until > ?` }, [now])
  const oldest = ready.map(({ oldestAt }) => oldestAt).filter((at) => at !== null)
  return {
    ready: ready.reduce((sum, part) => sum + part.count, 0),
    waiting: later.count,
    leased: held.count,
    oldestReadyMs: oldest.length === 0 ? null : Math.max(0, now - Math.min(...oldest)),
    isApproximate: [...ready, later, held].some(({ isCut }) => isCut),
  }
}

interface Part {
  readonly index: 'ready' | 'waiting' | 'expiring' | 'leased'
  readonly instant: 'due_at' | 'lease_until'
  readonly phase: string
  /** Whether the index finds the entries of the webhook. */
  readonly isLane: boolean
}

interface Count {
  readonly count: number
  readonly oldestAt: number | null
  readonly isCut: boolean
}

function count(connection: Connection, query: StatsQuery, part: Part, values: readonly SqliteValue[]): Count {
  const lane = part.isLane && query.webhookId !== undefined ? [query.webhookId] : []
  // What no index finds is filtered outside the LIMIT, so that the LIMIT bounds what is looked at.
  const filters = [
    ...(query.tenantId === undefined ? [] : [['tenant_id', query.tenantId] as const]),
    ...(query.webhookId === undefined || part.isLane ? [] : [['webhook_id', query.webhookId] as const]),
  ]
  const columns = [`${part.instant} AS at`, ...filters.map(([column]) => column)].join(', ')
  const isWanted = filters.map(([column]) => `${column} = ?`).join(' AND ')
  const filter = isWanted === '' ? '' : `FILTER (WHERE ${isWanted})`
  const wanted = filters.map(([, value]) => value)
  const row = connection.one<{ count: number; seen: number; oldest_at: number | null }>(
    `SELECT count(*) ${filter} AS count, min(at) ${filter} AS oldest_at, count(*) AS seen FROM (
       SELECT ${columns} FROM posthorn_deliveries INDEXED BY posthorn_deliveries_${part.index}
       WHERE ${part.phase}${lane.length > 0 ? ' AND webhook_id = ?' : ''} LIMIT ?
     )`,
    ...wanted,
    ...wanted,
    ...values,
    ...lane,
    maxSeen,
  )
  return { count: row.count, oldestAt: row.oldest_at, isCut: row.seen === maxSeen }
}

import type { StatsQuery } from '../query.ts'
import type { StorageStats } from '../storage.ts'
import { Conditions } from './conditions.ts'
import type { Database } from './database.ts'
import { ms } from './sql.ts'
import { isId } from '../../domain/id.ts'

// What is looked at of each kind before the counts become estimates: tens of milliseconds of work.
const maxSeen = 100_000

/** Counts pending deliveries off the partial indexes. What is due but not promoted yet counts as ready. */
export async function stats(database: Database, query: StatsQuery): Promise<StorageStats> {
  const { deliveries, now } = database.names
  const where = new Conditions()
  const { tenantId, webhookId } = query
  let lane = ''
  if (webhookId !== undefined) {
    const isWanted = `webhook_id = ${where.bind(isId(webhookId) ? webhookId : null)}::uuid`
    where.add(() => isWanted)
    lane = `AND ${isWanted}`
  }
  if (tenantId !== undefined) where.add((id) => `tenant_id = ${id}::text`, tenantId)
  const seen = (condition: string, order: string) =>
    `(SELECT phase, due_at, tenant_id, webhook_id FROM ${deliveries} WHERE ${condition} ORDER BY ${order} LIMIT ${maxSeen})`
  // In the order of an index, so that no other way to find them is cheaper.
  const pending = `phase IN ('waiting', 'leased')`
  const count = (rows: string) => `SELECT count(*) FILTER (WHERE ${where.sql}) AS count,
    count(*) FILTER (WHERE ${where.sql} AND phase = 'leased') AS leased,
    ${ms(`(${now} - min(due_at) FILTER (WHERE ${where.sql}))`)} AS "oldestMs", count(*) = ${maxSeen} AS "isCut" FROM ${rows} r`
  const parts = await database.all<Count>(
    `SELECT 1 AS part, c.* FROM (${count(seen(`phase = 'ready' ${lane}`, 'webhook_id, due_at'))}) c
     UNION ALL SELECT 2, c.* FROM (${count(seen(`${pending} AND due_at <= ${now}`, 'due_at'))}) c
     UNION ALL SELECT 3, c.* FROM (${count(seen(`${pending} AND due_at > ${now}`, 'due_at'))}) c`,
    where.params,
  )
  const [ready, due, later] = parts.toSorted((a, b) => a.part - b.part)
  if (ready === undefined || due === undefined || later === undefined) throw new Error('three counts gave fewer rows')
  const oldest = [ready.oldestMs, due.oldestMs].filter((oldestMs) => oldestMs !== null)
  return {
    ready: ready.count + due.count,
    waiting: later.count - later.leased,
    leased: later.leased,
    oldestReadyMs: oldest.length === 0 ? null : Math.max(0, ...oldest),
    isApproximate: parts.some(({ isCut }) => isCut),
  }
}

interface Count {
  readonly part: number
  readonly count: number
  readonly leased: number
  readonly oldestMs: number | null
  readonly isCut: boolean
}

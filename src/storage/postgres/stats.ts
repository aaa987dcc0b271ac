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
  const { deliveries, now: instant } = database.names
  // By itself, so that it is worked out once and not for every row.
  const now = `(SELECT ${instant})`
  const where = new Conditions()
  const { tenantId, webhookId, countUpTo = maxSeen } = query
  let [lane, tenant] = ['', '']
  if (webhookId !== undefined) {
    const isWanted = `webhook_id = ${where.bind(isId(webhookId) ? webhookId : null)}::uuid`
    where.add(() => isWanted)
    lane = `AND ${isWanted}`
  }
  if (tenantId !== undefined) {
    const isWanted = `tenant_id = ${where.bind(tenantId)}::text`
    where.add(() => isWanted)
    tenant = `AND ${isWanted}`
  }
  // In the order of an index, so that no other way to find them is cheaper.
  const inLanes = 'ORDER BY webhook_id, due_at'
  const isReady = `phase = 'ready'`
  const parts: readonly Part[] =
    tenant === ''
      ? [
          { phase: `'ready'`, rows: `${isReady} ${lane} ${inLanes}` },
          { phase: 'phase', rows: `phase IN ('waiting', 'leased') AND due_at <= ${now} ORDER BY due_at` },
          { phase: 'phase', rows: `phase IN ('waiting', 'leased') AND due_at > ${now} ORDER BY due_at` },
        ]
      : [
          {
            phase: `'ready'`,
            rows: lane === '' ? `${isReady} ${tenant} ORDER BY due_at` : `${isReady} ${lane} ${inLanes}`,
          },
          { phase: `'waiting'`, rows: `phase = 'waiting' ${tenant} ORDER BY due_at` },
          { phase: `'leased'`, rows: `phase = 'leased' ${lane} ${inLanes}` },
        ]
  // No column that is not asked for: what stands in the index is not read from the table.
  const owners = [...(tenant === '' ? [] : ['tenant_id']), ...(lane === '' ? [] : ['webhook_id'])]
  // Written into the statement: with a parameter in its place a plan is made for any.
  const most = Math.max(1, Math.floor(Math.min(countUpTo, Number.MAX_SAFE_INTEGER)))
  const isDue = `${where.sql} AND (phase = 'ready' OR due_at <= ${now})`
  const isLater = `${where.sql} AND phase <> 'ready' AND due_at > ${now}`
  const count = ({ phase, rows }: Part) => `SELECT count(*) FILTER (WHERE ${isDue}) AS ready,
    count(*) FILTER (WHERE ${isLater} AND phase = 'waiting') AS waiting,
    count(*) FILTER (WHERE ${isLater} AND phase = 'leased') AS leased,
    ${ms(`(${now} - min(due_at) FILTER (WHERE ${isDue}))`)} AS "oldestMs", count(*) = ${most} AS "isCut" FROM
    (SELECT ${[`${phase} AS phase`, 'due_at', ...owners].join(', ')} FROM ${deliveries} WHERE ${rows} LIMIT ${most}) r`
  const counts = await database.all<Count>(
    parts.map((part) => `SELECT * FROM (${count(part)}) c`).join(' UNION ALL '),
    where.params,
  )
  const sum = (name: 'ready' | 'waiting' | 'leased') => counts.reduce((total, counted) => total + counted[name], 0)
  const oldest = counts.flatMap(({ oldestMs }) => oldestMs ?? [])
  return {
    ready: sum('ready'),
    waiting: sum('waiting'),
    leased: sum('leased'),
    oldestReadyMs: oldest.length === 0 ? null : Math.max(0, ...oldest),
    isApproximate: counts.some(({ isCut }) => isCut),
  }
}

/** Rows to count, and what is their phase: a constant where the index says so. */
interface Part {
  readonly phase: string
  readonly rows: string
}

interface Count {
  readonly ready: number
  readonly waiting: number
  readonly leased: number
  readonly oldestMs: number | null
  readonly isCut: boolean
}

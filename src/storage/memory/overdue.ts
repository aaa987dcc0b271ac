import { inTurn, shareOf } from '../in-turn.ts'
import { cancelReason, maxCancelledPerCall } from './claim.ts'
import type { Lane } from './rows.ts'
import type { Tables } from './tables.ts'

/** The ids of what could be claimed now and has been due since `sinceMs`, one delivery of each lane in turn. */
export function overdue(tables: Tables, limit: number, sinceMs: number, nowMs: number): string[] {
  const late = lateLanes(tables, limit, sinceMs, nowMs)
  if (late.length === 0) return []
  const share = shareOf(limit, late.length)
  const rows = late.map(({ lane, free }) => lane.queue.earliest(Math.min(free, share, limit), sinceMs))
  return inTurn(rows, limit).map(({ id }) => id)
}

interface LateLane {
  readonly lane: Lane
  readonly free: number
}

/** Up to `limit` lanes that have something overdue, each moved to the end of the round. */
function lateLanes(tables: Tables, limit: number, sinceMs: number, nowMs: number): LateLane[] {
  const { lanes, webhooks } = tables
  const late: LateLane[] = []
  const seen = new Set<Lane>()
  let cancelledCount = 0
  lanes.takeBackExpired(nowMs)
  while (late.length < limit && cancelledCount < maxCancelledPerCall) {
    const lane = lanes.nextTurn(nowMs)
    if (lane === null || seen.has(lane)) break
    seen.add(lane)
    const webhook = webhooks.get(lane.webhookId, lane.tenantId)
    if (webhook?.isActive === true) {
      const dueAtMs = lane.queue.first?.atMs ?? Infinity
      if (dueAtMs <= sinceMs) late.push({ lane, free: webhook.maxInFlight - lane.leasedCount })
      continue
    }
    const doomed = lane.queue.earliest(maxCancelledPerCall - cancelledCount, nowMs)
    for (const row of doomed) tables.finish(row, 'cancelled', cancelReason(webhook), nowMs)
    cancelledCount += doomed.length
  }
  return late
}

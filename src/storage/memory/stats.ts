import type { Storage, StorageStats } from '../storage.ts'
import type { Tables } from './tables.ts'

/** Counts by lanes; of what is queued it looks only at what is due. */
export function stats(tables: Tables, query: Parameters<Storage['stats']>[0], nowMs: number): StorageStats {
  let [ready, waiting, leased] = [0, 0, 0]
  let oldestAtMs = Infinity
  tables.lanes.takeBackExpired(nowMs)
  for (const lane of tables.lanes.values()) {
    if (query.tenantId !== undefined && lane.tenantId !== query.tenantId) continue
    if (query.webhookId !== undefined && lane.webhookId !== query.webhookId) continue
    const dueCount = lane.queue.countUntil(nowMs)
    ready += dueCount
    waiting += lane.queue.size - dueCount
    leased += lane.leasedCount
    oldestAtMs = Math.min(oldestAtMs, lane.queue.first?.atMs ?? Infinity)
  }
  const oldestReadyMs = oldestAtMs <= nowMs ? nowMs - oldestAtMs : null
  return { ready, waiting, leased, oldestReadyMs, isApproximate: false }
}

import type { Storage, StorageStats } from 'posthorn'
import { isHeld, type Document } from './document.ts'

/** Counts the pending deliveries. */
export function stats({ deliveries }: Document, query: Parameters<Storage['stats']>[0], nowMs: number): StorageStats {
  const pending = [...deliveries.values()].filter(
    (row) =>
      row.state === 'pending' &&
      (query.tenantId === undefined || row.tenantId === query.tenantId) &&
      (query.webhookId === undefined || row.webhookId === query.webhookId),
  )
  const due = pending.filter((row) => row.dueAtMs <= nowMs)
  const leased = pending.filter((row) => isHeld(row, nowMs)).length
  const oldestAtMs = due.reduce((oldest, row) => Math.min(oldest, row.dueAtMs), Infinity)
  return {
    ready: due.length,
    waiting: pending.length - due.length - leased,
    leased,
    oldestReadyMs: due.length === 0 ? null : nowMs - oldestAtMs,
    isApproximate: false,
  }
}

import type { BulkResult, Storage } from 'posthorn'
import { finish, isHeld, type DeliveryRow, type Document } from './document.ts'
import { sortedAfter } from './page.ts'
import { isSelected } from './selection.ts'

type RequeueQuery = Parameters<Storage['requeue']>[0]
type CancelQuery = Parameters<Storage['cancel']>[0]

/** Makes final deliveries due again, spread at random over `spreadMs`. */
export function requeue(document: Document, query: RequeueQuery, nowMs: number): BulkResult {
  return change(document, query, (row) => {
    if (row.state === 'pending') return false
    Object.assign(row, { state: 'pending', reason: null, finishedAt: null, lease: null, trigger: 'manual' })
    row.attemptsBefore = row.attemptCount
    row.claimCount = 0
    row.dueAtMs = nowMs + Math.floor(Math.random() * (query.spreadMs ?? 0))
    return true
  })
}

/** Ends pending deliveries that nobody holds. */
export function cancel(document: Document, query: CancelQuery, nowMs: number): BulkResult {
  return change(document, query, (row) => {
    if (row.state !== 'pending' || isHeld(row, nowMs)) return false
    finish(row, 'cancelled', query.reason, nowMs)
    return true
  })
}

/** Changes up to `limit` of the selected rows, from the cursor on. */
function change(
  { deliveries }: Document,
  query: RequeueQuery | CancelQuery,
  changeRow: (row: DeliveryRow) => boolean,
): BulkResult {
  const selected = [...deliveries.values()].filter((row) => isSelected(row, query))
  let count = 0
  let lastId: string | null = null
  for (const row of sortedAfter(selected, query.cursor, 'asc')) {
    if (count === query.limit) return { count, nextCursor: lastId }
    if (changeRow(row)) count++
    lastId = row.id
  }
  return { count, nextCursor: null }
}

import { decodeCursor } from '../cursor.ts'
import type { BulkResult } from '../storage.ts'
import { type DeliverySelection, isSelected, walkDeliveries } from './listing.ts'
import type { DeliveryRow } from './rows.ts'
import type { Tables } from './tables.ts'

// What one call passes over at most: some milliseconds of work.
const maxSeenPerCall = 20_000

/** Changes up to `limit` of the selected deliveries for which `change` answers true, from the cursor on. */
export function changeDeliveries(
  tables: Tables,
  query: DeliverySelection & { readonly cursor?: string; readonly limit: number },
  change: (row: DeliveryRow) => boolean,
): BulkResult {
  let count = 0
  let seenCount = 0
  let lastId = decodeCursor(query.cursor)
  for (const row of walkDeliveries(tables, query, lastId, 'asc')) {
    if (count >= query.limit || seenCount >= maxSeenPerCall) return { count, nextCursor: lastId }
    if (isSelected(row, query) && change(row)) count++
    seenCount++
    lastId = row.id
  }
  return { count, nextCursor: null }
}

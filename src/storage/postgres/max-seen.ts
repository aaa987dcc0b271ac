import type { Conditions } from './conditions.ts'
import type { Database } from './database.ts'

// What one page looks through for the few rows that fit a filter without an index: tens of milliseconds of work.
const maxSeen = 50_000

/**
 * Ends a search at the 50,000th row of what the conditions so far select, which an index must give in order. Returns the id of that
 * row, a cursor to go on from; null where there are fewer.
 */
export async function lastOfMaxSeen(
  database: Database,
  table: string,
  idColumn: string,
  where: Conditions,
  isAscending: boolean,
): Promise<string | null> {
  const last = await database.first<{ id: string }>(
    `SELECT ${idColumn} FROM ${table} WHERE ${where.sql}
     ORDER BY ${idColumn} ${isAscending ? 'ASC' : 'DESC'} LIMIT 1 OFFSET ${maxSeen - 1}`,
    where.params,
  )
  if (last === undefined) return null
  where.add((id) => `${idColumn} ${isAscending ? '<=' : '>='} ${id}::uuid`, last.id)
  return last.id
}

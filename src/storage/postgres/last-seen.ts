import type { Conditions } from './conditions.ts'
import type { Database } from './database.ts'

/**
 * Ends a search at the `most`th row of what the conditions so far select, which an index must give in order. Returns the id of that
 * row, a cursor to go on from; null where there are fewer.
 */
export async function lastSeenOf(
  database: Database,
  table: string,
  idColumn: string,
  where: Conditions,
  isAscending: boolean,
  most: number,
): Promise<string | null> {
  const last = await database.first<{ id: string }>(
    `SELECT ${idColumn} FROM ${table} WHERE ${where.sql}
     ORDER BY ${idColumn} ${isAscending ? 'ASC' : 'DESC'} LIMIT 1 OFFSET ${most - 1}`,
    where.params,
  )
  if (last === undefined) return null
  where.add((id) => `${idColumn} ${isAscending ? '<=' : '>='} ${id}::uuid`, last.id)
  return last.id
}

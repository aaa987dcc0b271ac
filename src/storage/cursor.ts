import type { Page } from '../domain/delivery.ts'
import { PosthornError } from '../domain/error.ts'
import { isId } from '../domain/id.ts'

/** Reads the cursor of a listing by id, null for the first page. Throws `CURSOR_INVALID` for what no listing gave out. */
export function decodeCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null
  if (!isId(cursor)) throw invalidCursor()
  return cursor
}

/** Reads the cursor of a listing by number, null for the first page. Throws `CURSOR_INVALID` for what no listing gave out. */
export function decodeNumberCursor(cursor: string | undefined): number | null {
  if (cursor === undefined) return null
  const number = Number(cursor)
  if (typeof cursor !== 'string' || !Number.isSafeInteger(number) || number < 1 || String(number) !== cursor) {
    throw invalidCursor()
  }
  return number
}

/** Makes the page of `limit` rows out of up to `limit + 1`: the one too many tells that another page follows. */
export function pageOf<T>(rows: T[], limit: number, encodeCursor: (row: T) => string): Page<T> {
  const data = rows.slice(0, limit)
  const last = data.at(-1)
  return { data, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(last) : null }
}

function invalidCursor(): PosthornError {
  return new PosthornError(
    'CURSOR_INVALID',
    'The cursor is not one that this listing gave out. Pass the nextCursor of the page before, unchanged, or none for the first page.',
  )
}

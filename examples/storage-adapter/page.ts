import { PosthornError, type Page, type PageQuery } from 'posthorn'

const id = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const attemptNumber = /^[1-9][0-9]{0,8}$/

/** Cuts a page out of rows: by id, newest first unless `order` says otherwise. */
export function pageById<Row extends { readonly id: string }>(rows: readonly Row[], query: PageQuery): Page<Row> {
  const sorted = sortedAfter(rows, query.cursor, query.order ?? 'desc')
  return pageOf(sorted, query.limit, (row) => row.id)
}

/** Cuts a page out of rows: by number, first one first unless `order` says otherwise. */
export function pageByNumber<Row extends { readonly number: number }>(
  rows: readonly Row[],
  { cursor, limit, order = 'asc' }: PageQuery,
): Page<Row> {
  if (cursor !== undefined && !attemptNumber.test(cursor)) throw invalidCursor()
  const sorted = rows.toSorted((one, other) =>
    order === 'asc' ? one.number - other.number : other.number - one.number,
  )
  const isAfter = ({ number }: Row) =>
    cursor === undefined || (order === 'asc' ? number > Number(cursor) : number < Number(cursor))
  return pageOf(sorted.filter(isAfter), limit, ({ number }) => String(number))
}

/** Sorts rows by id and leaves out those up to the cursor. Ids are UUIDv7, so this is by time of creation. */
export function sortedAfter<Row extends { readonly id: string }>(
  rows: readonly Row[],
  cursor: string | undefined,
  order: 'asc' | 'desc',
): Row[] {
  if (cursor !== undefined && !id.test(cursor)) throw invalidCursor()
  const sorted = rows.toSorted((one, other) => (one.id < other.id === (order === 'asc') ? -1 : 1))
  return sorted.filter((row) => cursor === undefined || (order === 'asc' ? row.id > cursor : row.id < cursor))
}

function pageOf<Row>(rows: readonly Row[], limit: number, cursorOf: (row: Row) => string): Page<Row> {
  const data = rows.slice(0, limit)
  const last = data.at(-1)
  return { data, nextCursor: rows.length > limit && last !== undefined ? cursorOf(last) : null }
}

function invalidCursor(): PosthornError {
  return new PosthornError('CURSOR_INVALID', 'The cursor is not one that this listing gave out.')
}

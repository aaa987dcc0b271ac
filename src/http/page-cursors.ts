import { createHmac, timingSafeEqual } from 'node:crypto'
import { PosthornError } from '../domain/error.ts'

/** Which listing a cursor is of. */
export interface CursorPlace {
  readonly listing: string
  readonly tenantId: string
  /** What the listing was asked for beside the page; a cursor does not go on with another question. */
  readonly filter: Readonly<Record<string, unknown>>
}

const macBytes = 16
// A cursor of storage is an id. Nothing longer is worth hashing.
const maxLength = 256

/**
 * Signs the cursors that clients get, so that only those come back that this listing gave out, to this tenant, for this filter. The first
 * key signs, every one is accepted.
 */
export class PageCursors {
  readonly #keys: readonly Uint8Array[]

  constructor(keys: readonly Uint8Array[]) {
    this.#keys = keys
  }

  /** Makes the cursor that a client gets of one of storage's. */
  seal(cursor: string | null, place: CursorPlace): string | null {
    const [key] = this.#keys
    if (cursor === null || key === undefined) return null
    return `${Buffer.from(cursor).toString('base64url')}.${mac(key, cursor, place).toString('base64url')}`
  }

  /** Gives the part of a query that says from where on, empty for the first page. */
  page(text: string | undefined, place: CursorPlace): { readonly cursor?: string } {
    return text === undefined ? {} : { cursor: this.open(text, place) }
  }

  /** Gives storage's cursor back. Throws `CURSOR_INVALID` for any other text than this listing gave out. */
  open(text: string, place: CursorPlace): string {
    const [body = '', signature = '', ...rest] = text.length > maxLength ? [] : text.split('.')
    const cursor = Buffer.from(body, 'base64url').toString()
    const given = Buffer.from(signature, 'base64url')
    const isOurs =
      rest.length === 0 &&
      given.length === macBytes &&
      this.#keys.some((key) => timingSafeEqual(given, mac(key, cursor, place)))
    // Base64 has several forms of the same bytes; one page has one cursor.
    if (isOurs && `${Buffer.from(cursor).toString('base64url')}.${given.toString('base64url')}` === text) return cursor
    throw new PosthornError(
      'CURSOR_INVALID',
      'The cursor is not one that this listing gave out. Pass the nextCursor of the page before, unchanged and with the same filter, or ' +
        'none for the first page.',
    )
  }
}

function mac(key: Uint8Array, cursor: string, { listing, tenantId, filter }: CursorPlace): Buffer {
  const asked = Object.entries(filter).toSorted(([one], [other]) => (one < other ? -1 : 1))
  const text = JSON.stringify([listing, tenantId, asked, cursor])
  return createHmac('sha256', key).update(text).digest().subarray(0, macBytes)
}

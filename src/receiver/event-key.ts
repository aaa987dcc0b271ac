import { isStorable } from '../domain/text.ts'
import { toHex } from '#crypto'

// As encoded, with which a key stays under the 900 characters that a store is promised.
const maxLength = 768

/**
 * Names an event within its endpoint: scheme and id, so that two providers' ids never meet. A long id is replaced by its digest, behind an
 * `=` that no encoded id begins with.
 */
export async function eventKey(scheme: string, eventId: string): Promise<string> {
  const plain = isStorable(eventId) ? encodeURIComponent(eventId) : null
  // JSON writes half of a surrogate pair as an escape; UTF-8 would make one of them all.
  const id =
    plain !== null && eventId.length <= 256 && plain.length <= maxLength
      ? plain
      : `=${await digest(new TextEncoder().encode(JSON.stringify(eventId)))}`
  return `${encodeURIComponent(scheme)}:${id}`
}

/** The SHA-256 of some bytes in hex. */
export async function digest(bytes: Uint8Array): Promise<string> {
  // A copy on a buffer of its own: what a platform's digest takes.
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))))
}

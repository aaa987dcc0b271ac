import { memberAt } from './handshake.ts'
import type { ComputedPlace } from './coverage.ts'

/**
 * The event id of a body that holds a list of events: what names each of them, sorted, each once. So the same events in another order are a
 * repeat, and one event more or less is another batch, which must not be lost as a repeat.
 *
 * @param list the member that holds the list; null where the body is the list.
 * @param members the members that name an event together; the first must be there, or the batch has no id.
 */
export function idOfEach(list: string | null, members: readonly string[]): ComputedPlace {
  return {
    from: `${members.join(', ')} of each item`,
    read(payload) {
      const items = list === null ? payload : memberAt(payload, list)
      if (!Array.isArray(items) || items.length === 0) return null
      const ids = items.flatMap((item: unknown) => joinedMembers(item, members) ?? [])
      return ids.length < items.length ? null : [...new Set(ids)].toSorted().join(',')
    },
  }
}

/** Joins some members of a value, which a dotted path names, in one text; null where the first is missing. Others that are missing are empty. */
export function joinedMembers(value: unknown, members: readonly string[]): string | null {
  const texts = members.map((path) => {
    const member = memberAt(value, path)
    return typeof member === 'string' || Number.isSafeInteger(member) ? String(member) : ''
  })
  // Encoded, so that no text can hold what stands between them.
  return texts[0] ? texts.map(encodeURIComponent).join(':') : null
}

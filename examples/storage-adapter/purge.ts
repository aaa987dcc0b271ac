import type { Storage } from 'posthorn'
import { type Document, eventKey } from './document.ts'
import { groupBy } from './group-by.ts'

type PurgeQuery = Parameters<Storage['purge']>[0]

/** Removes old events, bodies and attempts, each of which counts as one. Events with a pending delivery are left alone. */
export function purge(document: Document, query: PurgeQuery, nowMs: number): { removed: number; isDone: boolean } {
  const removals = removalsOf(document, query, nowMs)
  const now = removals.slice(0, query.limit)
  for (const remove of now) remove()
  return { removed: now.length, isDone: removals.length <= query.limit }
}

function removalsOf({ events, deliveries }: Document, query: PurgeQuery, nowMs: number): (() => void)[] {
  const isOlder = (at: Date, ageMs: number | undefined) => ageMs !== undefined && at.getTime() < nowMs - ageMs
  const rowsByEvent = groupBy(deliveries.values(), (row) => eventKey(row.tenantId, row.eventId))
  return [...events].flatMap(([key, event]) => {
    const rows = rowsByEvent.get(key) ?? []
    if (rows.some(({ state }) => state === 'pending')) return []
    if (isOlder(event.createdAt, query.eventsOlderThanMs)) {
      return () => {
        events.delete(key)
        for (const row of rows) deliveries.delete(row.id)
      }
    }
    const hasOldBody = event.body !== null && isOlder(event.createdAt, query.bodiesOlderThanMs)
    const removeBody = () => void events.set(key, { ...event, body: null })
    const removeAttempts = rows.flatMap((row) =>
      row.attempts
        .filter(({ startedAt }) => isOlder(startedAt, query.attemptsOlderThanMs))
        .map((old) => () => void (row.attempts = row.attempts.filter((attempt) => attempt !== old))),
    )
    return hasOldBody ? [removeBody, ...removeAttempts] : removeAttempts
  })
}

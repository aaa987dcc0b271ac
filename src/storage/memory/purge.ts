import type { Storage } from '../storage.ts'
import type { EventRow } from './rows.ts'
import type { Tables } from './tables.ts'

type PurgeQuery = Parameters<Storage['purge']>[0]

/** Removes old events, bodies and attempts of events at rest. An event, a body and an attempt each count as one. */
export function purge(tables: Tables, query: PurgeQuery, nowMs: number): { removed: number; isDone: boolean } {
  let removed = 0
  for (const event of tables.restingEvents()) {
    for (const remove of removalsOf(tables, event, query, nowMs)) {
      if (removed >= query.limit) return { removed, isDone: false }
      remove()
      removed++
    }
  }
  return { removed, isDone: true }
}

/** What there is to remove of one event, step by step. */
function* removalsOf(tables: Tables, event: EventRow, query: PurgeQuery, nowMs: number): Generator<() => void> {
  const isOlder = (atMs: number, ageMs: number | undefined) => ageMs !== undefined && atMs < nowMs - ageMs
  if (isOlder(event.createdAtMs, query.eventsOlderThanMs)) {
    yield () => tables.forgetEvent(event)
    return
  }
  if (event.body !== null && isOlder(event.createdAtMs, query.bodiesOlderThanMs)) {
    yield () => {
      event.body = null
    }
  }
  for (const row of event.deliveries) {
    for (const attempt of [...row.attempts]) {
      if (!isOlder(attempt.startedAt.getTime(), query.attemptsOlderThanMs)) continue
      yield () => {
        row.attempts = row.attempts.filter((kept) => kept !== attempt)
      }
    }
  }
}

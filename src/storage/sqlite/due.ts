import type { Connection } from './connection.ts'
import { nextLaneAfter } from './lane.ts'

/** Until the next delivery comes due, a lease runs out, or the instant given; null where nothing is to come. */
export function nextDueInMs(connection: Connection, wakeAt: number | null, now: number): number | null {
  const next = connection.one<{ due_at: number | null; lease_until: number | null }>(
    `SELECT (SELECT min(due_at) FROM posthorn_deliveries WHERE phase = 'waiting') AS due_at,
            (SELECT min(lease_until) FROM posthorn_deliveries WHERE phase = 'leased') AS lease_until`,
  )
  const instants = [next.due_at, next.lease_until, wakeAt].filter((instant) => instant !== null)
  return instants.length === 0 ? null : Math.max(0, Math.min(...instants) - now)
}

/** The first webhook above an id that has something ready, or null. */
export function nextLane(connection: Connection, after: string): string | null {
  const row = connection.first<{ webhook_id: string }>(nextLaneAfter('?'), after)
  return row?.webhook_id ?? null
}

/** Whether anything is ready, or has to be made ready. */
export function hasDue(connection: Connection, now: number): boolean {
  const due = nextDueInMs(connection, null, now)
  return due === 0 || nextLane(connection, '') !== null
}

import { testEventType } from '../domain/event-type.ts'
import { newId } from '../registry/id.ts'
import type { Settled, Settlement } from '../storage/settlement.ts'
import type { Enqueued, NewEvent, Storage } from '../storage/storage.ts'
import type { Hints } from './hints.ts'
import type { Hint } from './transport.ts'

/**
 * A storage that tells a transport, after each write, which deliveries it made due. Nothing is claimed as it is written: whichever process
 * takes the hint delivers. Except a test, for whose answer its own process waits.
 */
export function hintedStorage(storage: Storage, hints: Hints): Storage {
  const hinted: Pick<Storage, 'enqueue' | 'settle' | 'requeue'> = {
    async enqueue(events, { claimFor, ...options } = {}) {
      const isTest = events.every(({ type }) => type === testEventType)
      const enqueued = await storage.enqueue(
        events,
        isTest && claimFor !== undefined ? { ...options, claimFor } : options,
      )
      // Before the caller's commit a hint would find nothing. The sweeper finds those.
      if (options.tx === undefined) hints.publish(hintsOfEvents(events, enqueued))
      return enqueued
    },

    async settle(settlements) {
      const settled = await storage.settle(settlements)
      const pending = stillPending(settlements, settled)
      hints.publish(pending.flatMap(hintsOfSettlement))
      for (const { id, outcome } of pending) if (outcome === 'continue') hints.waits(id)
      return settled
    },

    async requeue(query) {
      const result = await storage.requeue(query)
      const isAtOnce = query.spreadMs === undefined || query.spreadMs === 0
      const ids = isAtOnce && result.count > 0 ? (query.ids ?? []) : []
      hints.publish(ids.map((id) => ({ deliveryId: id, key: `${id}_${newId()}`, delayMs: 0 })))
      return result
    },
  }
  return new Proxy(storage, {
    get(target, name) {
      if (Object.hasOwn(hinted, name)) return Reflect.get(hinted, name)
      const member: unknown = Reflect.get(target, name)
      // Storages have private fields, which only they themselves can read.
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

function hintsOfEvents(events: readonly NewEvent[], { results, claimed }: Enqueued): Hint[] {
  const held = new Set(claimed.map(({ id }) => id))
  const isWritten = (index: number) => results[index]?.status === 'accepted'
  return events
    .filter((_, index) => isWritten(index))
    .flatMap(({ deliveries, delayMs = 0 }) =>
      deliveries
        .filter(({ id, skip }) => skip === undefined && !held.has(id))
        .map(({ id }) => ({ deliveryId: id, key: id, delayMs })),
    )
}

function stillPending(settlements: readonly Settlement[], settled: readonly Settled[]): Settlement[] {
  const pending = new Set(settled.filter(({ state }) => state === 'pending').map(({ id }) => id))
  return settlements.filter(({ id }) => pending.has(id))
}

// One hold ends once, so its lease names the occasion.
function hintsOfSettlement(settlement: Settlement): Hint[] {
  if (settlement.outcome !== 'retry' && settlement.outcome !== 'release') return []
  const { id, lease, retryInMs } = settlement
  return [{ deliveryId: id, key: `${id}_${lease}`, delayMs: retryInMs }]
}

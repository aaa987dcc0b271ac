import type { Claimed, Storage } from 'posthorn'
import { sqlFaults } from './sql-faults.ts'

type Fault = (storage: Storage) => Partial<Storage>

/** Faults that an engine could have, to show that the harness notices them. Those of its statements are in `sql-faults.ts`. */
export const storageFaults: Readonly<Record<string, Fault>> = {
  /** Answers, lets the caller commit, and writes only then, on its own. */
  'enqueue after commit': (storage) => ({
    enqueue: async (events) => {
      setTimeout(() => void storage.enqueue(events).catch(() => undefined), 50)
      return { results: events.map(({ id }) => ({ id, status: 'accepted' as const })), claimed: [] }
    },
  }),
  /** Marks a delivery as done when it gives it out, before anything is sent. */
  'done before POST': (storage) => ({
    enqueue: async (events) => await storage.enqueue(events),
    claim: async (query) => {
      const result = await storage.claim(query)
      await storage.settle(result.claimed.map(succeeded))
      // As an engine would that settles at once and pauses before it sends.
      await new Promise((resolve) => setTimeout(resolve, 20))
      return result
    },
  }),
  /** Gives a delivery out without holding it. */
  'given out without a lease': (storage) => ({
    enqueue: async (events) => await storage.enqueue(events),
    claim: async (query) => {
      const result = await storage.claim(query)
      await storage.settle(
        result.claimed.map(({ id, lease }) => ({ id, lease, outcome: 'release' as const, retryInMs: 0 })),
      )
      return result
    },
  }),
  /** Takes every settlement for written, and writes one in ten of them not. */
  'an outcome that is not recorded': (storage) => {
    let count = 0
    return {
      settle: async (settlements) => {
        const kept = settlements.filter(() => ++count % 10 !== 0)
        const settled = await storage.settle(kept)
        const dropped = settlements.filter((settlement) => !kept.includes(settlement))
        return [...settled, ...dropped.map(({ id }) => ({ id, state: 'succeeded' as const }))]
      },
    }
  },
  /** Writes one event in ten without its deliveries. */
  'an event without its deliveries': (storage) => {
    let count = 0
    return {
      enqueue: async (events, options) =>
        await storage.enqueue(
          events.map((event) => (++count % 10 === 0 ? { ...event, deliveries: [] } : event)),
          options,
        ),
    }
  },
}

/** The storage with a fault, or as it is where the fault is of another kind. */
export function withFault(storage: Storage, name: string): Storage {
  const fault = storageFaults[name]
  if (fault === undefined && name !== '' && !(name in sqlFaults)) throw new TypeError(`There is no fault ${name}.`)
  if (fault === undefined) return storage
  const changes = fault(storage)
  return new Proxy(storage, {
    get(target, key) {
      const value: unknown = Reflect.get(key in changes ? changes : target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function succeeded({ id, lease, attemptCount, trigger }: Claimed) {
  const attempt = {
    number: attemptCount + 1,
    trigger,
    startedAt: new Date(),
    durationMs: 0,
    status: 204,
    error: null,
    responseHeaders: {},
    responseBody: '',
  }
  return { id, lease, outcome: 'succeeded' as const, attempt }
}

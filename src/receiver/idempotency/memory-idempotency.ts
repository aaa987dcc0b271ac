import type { Clock } from '../../domain/clock.ts'
import { PosthornError } from '../../domain/error.ts'
import type {
  HeldReservation,
  IdempotencyStore,
  LapsedEvent,
  LapsedQuery,
  Reservation,
  ReservationKey,
  ReserveResult,
} from '../../storage/idempotency-store.ts'

/** Options of {@link memoryIdempotency}. */
export interface MemoryIdempotencyOptions {
  /** How many events are remembered at most, at least 1; 100,000 unless given, about 40 MB. The oldest completed ones are forgotten first. */
  readonly maxEvents?: number
  /** Tells the time; `Date.now` unless given. */
  readonly clock?: Clock
}

/**
 * Creates a store in this process's memory: for one process, for tests, and as the readable specification of the port. A restart
 * forgets everything, and two processes know nothing of each other.
 *
 * @throws TypeError, RangeError for a wrong option.
 */
export function memoryIdempotency(options: MemoryIdempotencyOptions = {}): IdempotencyStore {
  return new MemoryIdempotency(options)
}

/** What is known of one event. Times are in milliseconds since the epoch. */
interface Entry extends ReservationKey {
  lease: string
  leaseUntil: number
  isCompleted: boolean
  attempt: number
  readonly fingerprint: string
  record: string | null
  /** What it was completed with. */
  answer: string | null
  expiresAt: number
}

class MemoryIdempotency implements IdempotencyStore {
  readonly name = 'memory'
  readonly durability = 'none'
  /** In the order of their last change, which is that of their expiry where `keepMs` is always the same. */
  readonly #entries = new Map<string, Entry>()
  readonly #maxEvents: number
  readonly #clock: Clock

  constructor({ maxEvents = 100_000, clock = Date.now }: MemoryIdempotencyOptions) {
    if (!Number.isSafeInteger(maxEvents) || maxEvents < 1) {
      throw new RangeError(`memoryIdempotency: maxEvents must be a whole number from 1, not ${String(maxEvents)}.`)
    }
    if (typeof clock !== 'function') throw new TypeError('memoryIdempotency: clock must be a function.')
    this.#maxEvents = maxEvents
    this.#clock = clock
  }

  async reserve(reservation: Reservation): Promise<ReserveResult> {
    const now = this.#clock()
    const known = this.#find(reservation, now)
    if (known !== undefined && !isLapsed(known, now)) {
      const { fingerprint } = known
      if (known.isCompleted) return { status: 'completed', fingerprint, answer: known.answer }
      return { status: 'in-flight', retryInMs: known.leaseUntil - now, fingerprint }
    }
    if (known === undefined) this.#makeRoom(now)
    const { scope, id, lease, leaseMs, keepMs, record } = reservation
    const { fingerprint, attempt } = known ?? { fingerprint: reservation.fingerprint, attempt: 0 }
    const times = { leaseUntil: now + leaseMs, expiresAt: now + keepMs }
    const taken = { scope, id, lease, record, fingerprint, attempt: attempt + 1, ...times }
    this.#put({ ...taken, isCompleted: false, answer: null })
    return { status: 'reserved', attempt: attempt + 1, fingerprint }
  }

  async complete(
    { scope, id, lease, fingerprint }: HeldReservation,
    keepMs: number,
    answer?: string,
  ): Promise<boolean> {
    const now = this.#clock()
    const known = this.#find({ scope, id }, now)
    const isFree = known === undefined || isLapsed(known, now)
    if (!isFree && (known.isCompleted || known.lease !== lease)) return false
    const entry = known ?? { scope, id, lease, leaseUntil: now, attempt: 1, fingerprint }
    this.#put({ ...entry, isCompleted: true, record: null, answer: answer ?? null, expiresAt: now + keepMs })
    return true
  }

  async release({ scope, id, lease }: HeldReservation): Promise<boolean> {
    const now = this.#clock()
    const known = this.#find({ scope, id }, now)
    if (known === undefined || known.isCompleted || known.lease !== lease) return false
    if (known.record === null) this.#entries.delete(keyOf(known))
    else known.leaseUntil = now
    return true
  }

  async claimLapsed({ scope, lease, leaseMs, limit }: LapsedQuery): Promise<LapsedEvent[]> {
    const now = this.#clock()
    const lapsed = [...this.#entries.values()]
      .filter(
        (entry) => entry.scope === scope && entry.record !== null && now < entry.expiresAt && isLapsed(entry, now),
      )
      .toSorted((left, right) => left.leaseUntil - right.leaseUntil)
      .slice(0, limit)
    return lapsed.map((entry) => {
      Object.assign(entry, { lease, leaseUntil: now + leaseMs, attempt: entry.attempt + 1 })
      const { id, attempt, fingerprint, record } = entry
      return { id, attempt, fingerprint, record: record ?? '' }
    })
  }

  #find(key: ReservationKey, now: number): Entry | undefined {
    const entry = this.#entries.get(keyOf(key))
    return entry !== undefined && now < entry.expiresAt ? entry : undefined
  }

  #put(entry: Entry): void {
    // Taken out first: a Map keeps the place of a key that is set again.
    this.#entries.delete(keyOf(entry))
    this.#entries.set(keyOf(entry), entry)
  }

  #makeRoom(now: number): void {
    for (const [key, { expiresAt }] of this.#entries) {
      if (now < expiresAt) break
      this.#entries.delete(key)
    }
    if (this.#entries.size < this.#maxEvents) return
    for (const [key, entry] of this.#entries) {
      // What is held, or waits to be claimed, is work that would be lost.
      if (!entry.isCompleted && now < entry.expiresAt) continue
      this.#entries.delete(key)
      return
    }
    throw new PosthornError('STORAGE_UNAVAILABLE', `${this.#maxEvents} events are in flight: raise maxEvents.`)
  }
}

function isLapsed(entry: Entry, now: number): boolean {
  return !entry.isCompleted && entry.leaseUntil <= now
}

// A scope has no line break.
function keyOf({ scope, id }: ReservationKey): string {
  return `${scope}\n${id}`
}

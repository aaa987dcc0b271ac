import assert from 'node:assert/strict'
import type { HeldReservation, IdempotencyStore, LapsedEvent, Reservation } from '../../storage/idempotency-store.ts'
import type { IdempotencyConformanceAdapter } from './idempotency-conformance-adapter.ts'

/** The cases of one topic by name; a name states the invariant. */
export type IdempotencyCases = Readonly<Record<string, (fixture: IdempotencyFixture) => Promise<void>>>

/** How long the reservations of the cases are held, and how long events are kept, in milliseconds. */
export const leaseMs = 60_000
export const keepMs = 3_600_000

/** What every case starts from: an empty store, the hands on its clock, and makers of reservations. */
export class IdempotencyFixture {
  readonly store: IdempotencyStore
  readonly advance: (ms: number) => Promise<void>
  #leases = 0

  constructor(store: IdempotencyStore, advance: (ms: number) => Promise<void>) {
    this.store = store
    this.advance = advance
  }

  /** Makes a reservation under a new lease. */
  newReservation(overrides: Partial<Reservation> = {}): Reservation {
    const lease = `lease-${++this.#leases}`
    return { scope: 'orders', id: 'sw:msg_1', lease, leaseMs, keepMs, fingerprint: 'first', record: null, ...overrides }
  }

  /** Reserves, and fails where somebody else has it. */
  async hold(overrides: Partial<Reservation> = {}): Promise<HeldReservation> {
    const reservation = this.newReservation(overrides)
    assert.equal((await this.store.reserve(reservation)).status, 'reserved')
    return reservation
  }

  /** Says who has an event, by trying to take it. */
  async statusOf(overrides: Partial<Reservation> = {}): Promise<string> {
    return (await this.store.reserve(this.newReservation(overrides))).status
  }

  /** Claims the lapsed events of a scope under a new lease. */
  async claim(scope = 'orders', limit = 100): Promise<LapsedEvent[]> {
    return await this.store.claimLapsed({ scope, lease: `lease-${++this.#leases}`, leaseMs, limit })
  }
}

/** Creates the adapter's store. */
export async function openIdempotencyFixture(adapter: IdempotencyConformanceAdapter): Promise<IdempotencyFixture> {
  let nowMs = Date.UTC(2026, 0, 1)
  const store = await adapter.createStore({ clock: () => nowMs })
  return new IdempotencyFixture(store, async (ms) => {
    nowMs += ms
    await adapter.advance?.(ms)
  })
}

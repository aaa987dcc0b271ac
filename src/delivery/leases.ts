import type { LeaseRef } from '../storage/settlement.ts'
import type { Storage } from '../storage/storage.ts'

/** A lease that this process holds. */
export interface Hold extends LeaseRef {
  /** When storage was last asked for it, on the monotonic clock: no later than when it was given. */
  renewedAt: number
  isLost: boolean
}

/** Keeps the leases of this process alive while their deliveries are under way, and knows which were lost. */
export class Leases {
  readonly #holds = new Map<string, Hold>()
  readonly #storage: Storage
  readonly #leaseMs: number
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined

  constructor(storage: Storage, leaseMs: number, onError: (error: unknown) => void) {
    this.#storage = storage
    this.#leaseMs = leaseMs
    this.#onError = onError
  }

  /** Begins to keep alive a lease that was asked for at `askedAt`, on the monotonic clock. */
  hold({ id, lease }: LeaseRef, askedAt: number): Hold {
    // Storage has given the delivery out again, whatever the clock of this process says.
    const former = this.#holds.get(id)
    if (former !== undefined) former.isLost = true
    const hold = { id, lease, renewedAt: askedAt, isLost: false }
    this.#holds.set(id, hold)
    this.#timer ??= setInterval(() => void this.#renew(), this.#leaseMs / 3).unref()
    return hold
  }

  /** Says whether a delivery may be in other hands by now. */
  isLost({ renewedAt, isLost }: Hold): boolean {
    return isLost || performance.now() - renewedAt >= this.#leaseMs
  }

  /** Stops to keep any lease alive. */
  end(): void {
    for (const hold of this.#holds.values()) this.drop(hold)
  }

  /** Stops to keep a lease alive. */
  drop(hold: Hold): void {
    if (this.#holds.get(hold.id) === hold) this.#holds.delete(hold.id)
    if (this.#holds.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  // Most deliveries end long before: only those held for a third of the lease are prolonged.
  async #renew(): Promise<void> {
    const now = performance.now()
    const old = [...this.#holds.values()].filter(
      ({ isLost, renewedAt }) => !isLost && now - renewedAt >= this.#leaseMs / 3 - 1,
    )
    if (old.length === 0) return
    const refs = old.map(({ id, lease }) => ({ id, lease }))
    try {
      const renewed = new Set(await this.#storage.renew(refs, this.#leaseMs))
      for (const hold of old) {
        if (renewed.has(hold.id)) hold.renewedAt = now
        else hold.isLost = true
      }
    } catch (error) {
      // Tried again in a third of the lease; when it has run out, `isLost` says so.
      this.#onError(error)
    }
  }
}

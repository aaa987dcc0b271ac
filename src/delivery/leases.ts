import type { LeaseRef } from '../storage/settlement.ts'
import type { Storage } from '../storage/storage.ts'

interface Hold {
  readonly lease: string
  /** When storage was last asked for it, which is no later than when it was given. */
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
  hold({ id, lease }: LeaseRef, askedAt: number): void {
    this.#holds.set(id, { lease, renewedAt: askedAt, isLost: false })
    this.#timer ??= setInterval(() => void this.#renew(), this.#leaseMs / 3).unref()
  }

  /** Says whether a delivery may be in other hands by now. */
  isLost({ id, lease }: LeaseRef): boolean {
    const hold = this.#holds.get(id)
    if (hold === undefined || hold.lease !== lease || hold.isLost) return true
    return performance.now() - hold.renewedAt >= this.#leaseMs
  }

  /** Takes note that a lease was prolonged by a settlement that was asked for at `askedAt`. */
  prolonged({ id, lease }: LeaseRef, askedAt: number): void {
    const hold = this.#holds.get(id)
    if (hold?.lease === lease) hold.renewedAt = askedAt
  }

  /** Stops to keep a lease alive. */
  drop({ id, lease }: LeaseRef): void {
    if (this.#holds.get(id)?.lease === lease) this.#holds.delete(id)
    if (this.#holds.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  // Most deliveries end long before: only those held for a third of the lease are prolonged.
  async #renew(): Promise<void> {
    const now = performance.now()
    const old = [...this.#holds].filter(([, hold]) => !hold.isLost && now - hold.renewedAt >= this.#leaseMs / 3 - 1)
    if (old.length === 0) return
    const refs = old.map(([id, { lease }]) => ({ id, lease }))
    try {
      const renewed = new Set(await this.#storage.renew(refs, this.#leaseMs))
      for (const [id, hold] of old) {
        if (renewed.has(id)) hold.renewedAt = now
        else hold.isLost = true
      }
    } catch (error) {
      // Tried again in a third of the lease; when it has run out, `isLost` says so.
      this.#onError(error)
    }
  }
}

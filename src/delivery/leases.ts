import type { LeaseRef } from '../storage/settlement.ts'
import type { Storage } from '../storage/storage.ts'

interface Hold {
  readonly lease: string
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

  /** Begins to keep a lease alive. */
  hold({ id, lease }: LeaseRef): void {
    this.#holds.set(id, { lease, renewedAt: performance.now(), isLost: false })
    this.#timer ??= setInterval(() => void this.#renew(), this.#leaseMs / 3).unref()
  }

  /** Says whether a delivery may be in other hands by now. */
  isLost({ id, lease }: LeaseRef): boolean {
    const hold = this.#holds.get(id)
    return hold === undefined || hold.lease !== lease || hold.isLost
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
    try {
      const renewed = new Set(
        await this.#storage.renew(
          old.map(([id, { lease }]) => ({ id, lease })),
          this.#leaseMs,
        ),
      )
      for (const [id, hold] of old) {
        if (renewed.has(id)) hold.renewedAt = now
        else hold.isLost = true
      }
    } catch (error) {
      this.#onError(error)
    }
  }
}

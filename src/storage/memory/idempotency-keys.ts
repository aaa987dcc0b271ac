import { type HeapEntry, TimeHeap } from './time-heap.ts'

// Bounds what one call spends on forgetting; it adds far fewer.
const maxForgottenPerCall = 1000

/** Which event a key stands for. */
export interface RememberedKey {
  readonly eventId: string
  readonly bodyHash: string | undefined
}

/** The idempotency keys of all tenants, each until it expires; they outlive the events. */
export class IdempotencyKeys {
  readonly #keys = new Map<string, { readonly remembered: RememberedKey; readonly expiry: HeapEntry<string> }>()
  readonly #expiries = new TimeHeap<string>()

  get size(): number {
    return this.#keys.size
  }

  find(tenantId: string, key: string, nowMs: number): RememberedKey | undefined {
    const entry = this.#keys.get(keyOf(tenantId, key))
    return entry !== undefined && entry.expiry.atMs > nowMs ? entry.remembered : undefined
  }

  remember(tenantId: string, key: string, remembered: RememberedKey, untilMs: number): void {
    const name = keyOf(tenantId, key)
    const earlier = this.#keys.get(name)
    if (earlier !== undefined) this.#expiries.remove(earlier.expiry)
    this.#keys.set(name, { remembered, expiry: this.#expiries.add(name, untilMs) })
  }

  forgetExpired(nowMs: number): void {
    for (let count = 0; count < maxForgottenPerCall; count++) {
      const { first } = this.#expiries
      if (first === undefined || first.atMs > nowMs) return
      this.#expiries.remove(first)
      this.#keys.delete(first.value)
    }
  }
}

function keyOf(tenantId: string, key: string): string {
  return JSON.stringify([tenantId, key])
}

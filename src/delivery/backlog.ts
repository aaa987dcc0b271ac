import { PosthornError } from '../domain/error.ts'
import type { Storage } from '../storage/storage.ts'

interface Estimate {
  /** Pending deliveries at the last count, plus what was added here since. What was finished since is not known. */
  pending: number
  countedAt: number
}

interface Demand {
  readonly tenantId: string
  readonly count: number
  readonly estimate: Estimate
}

// Other processes add too, so an estimate does not stand forever; and a full queue is not counted on every dispatch.
const staleAfterMs = 10_000
const recountAfterMs = 100
const maxTenants = 10_000

/**
 * Refuses work above a number of pending deliveries per tenant. It counts only when its estimate reaches the limit or is old, so a
 * dispatch usually costs no look at storage; with several processes the limit may be passed by what they add meanwhile.
 */
export class Backlog {
  readonly #storage: Storage
  readonly #limit: number
  readonly #estimates = new Map<string, Estimate>()
  readonly #counting = new Map<string, Promise<Estimate>>()

  constructor(storage: Storage, limit: number) {
    this.#storage = storage
    this.#limit = limit
  }

  /** Counts where it has to before {@link admit} does, for all tenants at once. */
  async look(counts: ReadonlyMap<string, number>): Promise<void> {
    if (this.#limit === Infinity) return
    const wanted = [...counts].filter(([, count]) => count > 0)
    await Promise.all(wanted.map(([tenantId, count]) => this.#estimate(tenantId, count)))
  }

  /** Takes back what was admitted and then not written. */
  takeBack(counts: ReadonlyMap<string, number>): void {
    for (const [tenantId, count] of counts) {
      const known = this.#estimates.get(tenantId)
      if (known !== undefined) known.pending = Math.max(0, known.pending - count)
    }
  }

  /**
   * Makes room for so many deliveries of each tenant; where one has none, answers `QUEUE_FULL` and makes room for nobody. With `isJoined` it
   * goes by the last count and waits for no other: a caller with a transaction open may hold the last connection of the pool that
   * counting needs.
   */
  admit(
    counts: ReadonlyMap<string, number>,
    { isJoined }: { readonly isJoined: boolean },
  ): PosthornError | null | Promise<PosthornError | null> {
    if (this.#limit === Infinity) return null
    const demands: Demand[] = []
    for (const [tenantId, count] of counts) {
      if (count === 0) continue
      const estimate = isJoined ? this.#lastEstimate(tenantId, count) : this.#currentEstimate(tenantId, count)
      if (estimate === undefined) return this.#countAndAdmit(counts)
      demands.push({ tenantId, count, estimate })
    }
    return this.#makeRoom(demands)
  }

  async #countAndAdmit(counts: ReadonlyMap<string, number>): Promise<PosthornError | null> {
    const demands: Demand[] = []
    for (const [tenantId, count] of counts) {
      if (count > 0) demands.push({ tenantId, count, estimate: await this.#estimate(tenantId, count) })
    }
    return this.#makeRoom(demands)
  }

  #makeRoom(demands: readonly Demand[]): PosthornError | null {
    for (const { tenantId, count, estimate } of demands) {
      if (estimate.pending + count > this.#limit) return this.#full(tenantId, estimate.pending, count)
    }
    for (const { count, estimate } of demands) estimate.pending += count
    return null
  }

  #full(tenantId: string, pending: number, count: number): PosthornError {
    return new PosthornError(
      'QUEUE_FULL',
      `Tenant ${JSON.stringify(tenantId)} has ${pending} pending deliveries, and ${count} more would pass the limit of ` +
        `${this.#limit}: dispatch again later, add workers, or raise maxPendingPerTenant.`,
    )
  }

  async #estimate(tenantId: string, count: number): Promise<Estimate> {
    return this.#currentEstimate(tenantId, count) ?? (await this.#counted(tenantId))
  }

  #currentEstimate(tenantId: string, count: number): Estimate | undefined {
    const known = this.#estimates.get(tenantId)
    return known !== undefined && this.#isCurrent(known, count) ? known : undefined
  }

  #lastEstimate(tenantId: string, count: number): Estimate {
    const known = this.#estimates.get(tenantId)
    if (known !== undefined && this.#isCurrent(known, count)) return known
    // For the next one. Where it fails, the next one tries again.
    void this.#counted(tenantId).catch(() => undefined)
    return known ?? this.#keep(tenantId, { pending: 0, countedAt: -Infinity })
  }

  #isCurrent({ pending, countedAt }: Estimate, count: number): boolean {
    const isFull = pending + count > this.#limit
    return performance.now() - countedAt < (isFull ? recountAfterMs : staleAfterMs)
  }

  // Dispatches that come at once share one count.
  #counted(tenantId: string): Promise<Estimate> {
    const counting =
      this.#counting.get(tenantId) ?? this.#count(tenantId).finally(() => this.#counting.delete(tenantId))
    this.#counting.set(tenantId, counting)
    return counting
  }

  async #count(tenantId: string): Promise<Estimate> {
    const { ready, waiting, leased } = await this.#storage.stats({ tenantId, countUpTo: this.#limit + 1 })
    return this.#keep(tenantId, { pending: ready + waiting + leased, countedAt: performance.now() })
  }

  #keep(tenantId: string, estimate: Estimate): Estimate {
    this.#estimates.delete(tenantId)
    if (this.#estimates.size >= maxTenants) this.#estimates.delete(this.#estimates.keys().next().value ?? '')
    this.#estimates.set(tenantId, estimate)
    return estimate
  }
}

import type { Settled, Settlement } from '../storage/settlement.ts'
import type { Storage } from '../storage/storage.ts'
import { Batcher } from './batcher.ts'

/** How settlements are written. */
export interface SettlerOptions {
  /** How long a write is tried again while storage fails, in milliseconds. */
  readonly giveUpAfterMs: number
  /** Aborted when there is no time left to try. */
  readonly hardStop: AbortSignal
  /** Told of each failure. */
  readonly onError: (error: unknown) => void
}

const firstPauseMs = 50
const longestPauseMs = 2000

/**
 * Writes settlements in batches and tries again while storage fails: what a receiver has been sent must be recorded, or it is sent
 * again.
 */
export class Settler {
  readonly #batcher: Batcher<Settlement, Settled | null>
  readonly #options: SettlerOptions
  readonly #storage: Storage

  constructor(storage: Storage, options: SettlerOptions) {
    this.#options = options
    this.#storage = storage
    this.#batcher = new Batcher(async (settlements) => inOrder(settlements, await storage.settle(settlements)), {
      maxSize: 500,
      keyOf: ({ id }) => id,
      isLocal: storage.capabilities.scope !== 'cluster',
    })
  }

  /** Writes one settlement of a tenant's delivery; null where its lease was lost. */
  settle(settlement: Settlement, tenantId: string): Promise<Settled | null> {
    const started = performance.now()
    return new Promise((resolve) => {
      this.#batcher.push(settlement, resolve, (error) =>
        resolve(this.#settleAgain(settlement, tenantId, error, started)),
      )
    })
  }

  async #settleAgain(
    settlement: Settlement,
    tenantId: string,
    first: unknown,
    started: number,
  ): Promise<Settled | null> {
    const { giveUpAfterMs, hardStop, onError } = this.#options
    let error = first
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      onError(error)
      if (hardStop.aborted || performance.now() - started + pauseMs > giveUpAfterMs) throw error
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      try {
        return (await this.#batcher.add(settlement)) ?? (await this.#recorded(settlement, tenantId))
      } catch (again) {
        error = again
      }
    }
  }

  // Only the answer to a write may have been lost: then its lease has ended with it, and its attempt stands on record.
  async #recorded(settlement: Settlement, tenantId: string): Promise<Settled | null> {
    if (!('attempt' in settlement)) return null
    const { id, attempt } = settlement
    const { data } = await this.#storage.listAttempts({ tenantId, deliveryId: id, limit: 1, order: 'desc' })
    const isOurs = data[0]?.number === attempt.number && data[0].startedAt.getTime() === attempt.startedAt.getTime()
    const delivery = isOurs ? await this.#storage.getDelivery(id, tenantId) : null
    return delivery === null ? null : { id, state: delivery.state }
  }
}

// Storages leave out what was lost, and may answer in any order; nearly always nothing was.
function inOrder(settlements: readonly Settlement[], settled: readonly Settled[]): readonly (Settled | null)[] {
  if (settlements.every(({ id }, index) => settled[index]?.id === id)) return settled
  const byId = new Map(settled.map((result) => [result.id, result]))
  return settlements.map(({ id }) => byId.get(id) ?? null)
}

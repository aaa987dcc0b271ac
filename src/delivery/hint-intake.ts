import { isId } from '../domain/id.ts'
import { newId } from '../registry/id.ts'
import { Batcher } from './batcher.ts'
import type { RoundResult } from './deliver.ts'
import type { Hints } from './hints.ts'
import type { Worker } from './worker.ts'

/** What a hint led to: a round of this process's; `undue`, nothing; or `returned`, because the process stops. */
type Claim = { readonly round: Promise<RoundResult> } | 'undue' | 'returned'

const maxIdsPerClaim = 500

/**
 * Turns hints into claims, in batches without a timer: one claim is under way, and the ids that arrive meanwhile go into the next. A hint
 * that is late, repeated or unknown claims nothing, and that is all.
 */
export class HintIntake {
  readonly #worker: Worker
  readonly #hints: Hints
  readonly #ended: AbortSignal
  readonly #onUndue: () => void
  readonly #claims: Batcher<string, Claim>
  #roomWaiter: (() => void) | undefined

  /** `onUndue` is told where a hint claimed nothing: it may be out of date, or its webhook busy. */
  constructor(worker: Worker, hints: Hints, ended: AbortSignal, onUndue: () => void) {
    this.#worker = worker
    this.#hints = hints
    this.#ended = ended
    this.#onUndue = onUndue
    this.#claims = new Batcher((ids) => this.#claimAll(ids), { maxSize: maxIdsPerClaim, keyOf: (id) => id })
    ended.addEventListener('abort', () => this.onFree())
  }

  /** Takes a hint; resolves with the state of the delivery when its round ends or begins to wait, or with why there was none. */
  async receive(deliveryId: unknown): Promise<string> {
    if (!isId(deliveryId)) {
      throw new TypeError(`A hint carries no delivery id but ${typeof deliveryId}: something else writes to its queue.`)
    }
    const claim = await this.#claims.add(deliveryId)
    if (typeof claim === 'string') return claim
    const held = this.#hints.held(deliveryId)
    try {
      // A wait holds no request, and so it must not hold a hint: others could not be taken for as long.
      return await Promise.race([claim.round.then(({ state }) => state), held.waits.then(() => 'waiting')])
    } finally {
      held.end()
    }
  }

  /** Tells that there may be room. */
  onFree(): void {
    this.#roomWaiter?.()
  }

  async #claimAll(ids: readonly string[]): Promise<Claim[]> {
    const claims = new Map<string, Claim>()
    for (let rest = ids; rest.length > 0;) {
      await this.#room()
      if (this.#ended.aborted) {
        this.#hints.publish(rest.map((id) => ({ deliveryId: id, key: `${id}_${newId()}`, delayMs: 0 })))
        for (const id of rest) claims.set(id, 'returned')
        break
      }
      const part = rest.slice(0, this.#worker.free)
      const { claimed, rounds } = await this.#worker.claim(part.length, part)
      for (const [index, round] of rounds.entries()) claims.set(claimed[index]?.id ?? '', { round })
      if (claimed.length < part.length) this.#onUndue()
      rest = rest.slice(part.length)
    }
    return ids.map((id) => claims.get(id) ?? 'undue')
  }

  async #room(): Promise<void> {
    while (this.#worker.free === 0 && !this.#ended.aborted) {
      // A round that begins to wait makes room too, and does not end.
      const freed = new Promise<void>((resolve) => (this.#roomWaiter = resolve))
      await Promise.race([this.#worker.oneEnded(), freed])
    }
  }
}

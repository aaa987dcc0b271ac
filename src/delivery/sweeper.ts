import type { Storage } from '../storage/storage.ts'
import type { Hints } from './hints.ts'

// Some 200 bytes of Redis each, and what a few processes work off in a second.
const maxPerSweep = 1000
// A hint on its way is not lost: it has this long, which is many times what one takes.
const overdueAfterMs = 1000
// A transport that takes hints and hands none on is as good as away.
const deafAfterMs = 3000
// How long to remember what was published; a sweep that goes round many webhooks comes to each of them in this time.
const rememberedForMs = 60_000

/** What a sweep leaves to do. */
export interface Swept {
  /** Whether it found something, beside which there may be more: of each webhook it finds no more than there are places. */
  readonly hasFound: boolean
  /** Whether hints are of no use now, and this process should claim what is due itself. */
  readonly isUpToClaims: boolean
}

/**
 * Publishes again what is due and was not claimed: its hint was lost, or never was. Whoever has room takes it from the transport, so work is
 * spread and seen as ever; only where the transport does not take hints, or nobody gets them, it is left to this process.
 */
export class Sweeper {
  readonly #storage: Storage
  readonly #hints: Hints
  readonly #ended: AbortSignal
  readonly #byMs: number
  readonly #publishedAt = new Map<string, number>()

  /** Publishes nothing more once `ended` is aborted. */
  constructor(storage: Storage, hints: Hints, pollIntervalMs: number, ended: AbortSignal) {
    this.#storage = storage
    this.#hints = hints
    this.#ended = ended
    this.#byMs = Math.min(overdueAfterMs, pollIntervalMs)
  }

  /** Whether the transport was told to hold everything back: then there is to be no sweep. Never rejects. */
  isPaused(): Promise<boolean> {
    return this.#hints.isPaused()
  }

  /** Looks once. Rejects where storage cannot be asked. */
  async sweep(): Promise<Swept> {
    // What was published before is still on its way out: more would only pile up behind it.
    if (this.#hints.isStuck) return { hasFound: false, isUpToClaims: true }
    const ids = await this.#storage.overdue({ limit: maxPerSweep, byMs: this.#byMs })
    if (ids.length === 0) return { hasFound: false, isUpToClaims: false }
    const isDeaf = this.#remember(ids)
    const isTaken = await this.#hints.publishAgain(ids, this.#ended)
    return { hasFound: true, isUpToClaims: !isTaken || isDeaf }
  }

  /** Notes what is published now, and tells whether some of it was long ago. */
  #remember(ids: readonly string[]): boolean {
    const now = performance.now()
    for (const [id, at] of this.#publishedAt) if (now - at > rememberedForMs) this.#publishedAt.delete(id)
    const isDeaf = ids.some((id) => now - (this.#publishedAt.get(id) ?? now) >= deafAfterMs)
    for (const id of ids) if (!this.#publishedAt.has(id)) this.#publishedAt.set(id, now)
    return isDeaf
  }
}

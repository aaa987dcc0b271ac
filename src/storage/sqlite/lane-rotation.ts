/**
 * Where the next claim begins among the lanes (the webhooks with something ready). It goes round by webhook id, so that each
 * gets its turn even where there are more lanes than one claim may probe.
 */
export class LaneRotation {
  readonly #nextLane: (after: string) => string | null
  #position = ''
  #round: Round | null = null

  /** @param nextLane - gives the first lane above a webhook id, or null */
  constructor(nextLane: (after: string) => string | null) {
    this.#nextLane = nextLane
  }

  /** Yields up to `limit` lanes, each once; returns whether those were all there are. */
  *probe(limit: number): Generator<string, boolean> {
    const start = this.#position
    const round = (this.#round ??= { start, wraps: 0, wakeAt: null })
    let hasWrapped = false
    for (let count = 0; ;) {
      const lane = this.#nextLane(this.#position)
      if (lane === null) {
        if (hasWrapped || start === '') return true
        hasWrapped = true
        round.wraps++
        this.#position = ''
        continue
      }
      if (hasWrapped && lane > start) return true
      if (count === limit) return false
      count++
      this.#position = lane
      yield lane
    }
  }

  /** Begins a new round, because something was found. */
  restart(): void {
    this.#round = null
  }

  /**
   * Notes that a probe met only lanes that cannot be claimed from, the first of which opens at `wakeAt`. Once a whole round of
   * probes was like that, it says when the first of them all opens: going round again before would only burn the processor.
   */
  idle(wakeAt: number | null): { readonly wakeAt: number | null } | null {
    const round = this.#round
    if (round === null) return null
    if (wakeAt !== null) round.wakeAt = Math.min(wakeAt, round.wakeAt ?? wakeAt)
    // A second wrap is a whole round too: the lane where it began may have gone.
    if (round.wraps === 0 || (round.wraps === 1 && this.#position < round.start)) return null
    this.restart()
    return { wakeAt: round.wakeAt }
  }
}

interface Round {
  readonly start: string
  wraps: number
  wakeAt: number | null
}

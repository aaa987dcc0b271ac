// Above every id, which are of hexadecimal digits and hyphens.
const lastId = '~'

/**
 * Where the next claim begins among the lanes (the webhooks with something ready). It goes round by webhook id, so that each
 * gets its turn even where there are more lanes than one claim may probe.
 */
export class LaneRotation {
  #position = ''
  #round: Round | null = null

  /** Begins a new round, because something was found. */
  restart(): void {
    this.#round = null
  }

  /**
   * Yields up to `limit` lanes, each once; returns whether those were all there are. They are read by `nextLanes`, which gives the first
   * `count` above one webhook id and up to another, or all that there are: `ahead` at first, and twice as many each time these were not enough.
   */
  *probe<L extends { readonly webhookId: string }>(
    limit: number,
    ahead: number,
    nextLanes: (after: string, upTo: string, count: number) => readonly L[],
  ): Generator<L, boolean> {
    const start = this.#position
    const round = (this.#round ??= { start, wraps: 0, wakeAt: null })
    let upTo = lastId
    let chunk = Math.max(1, ahead)
    for (let count = 0; ; chunk *= 2) {
      // One more than may be probed, to know whether those are all.
      const asked = Math.min(chunk, limit - count + 1)
      const lanes = nextLanes(this.#position, upTo, asked)
      for (const lane of lanes) {
        if (count === limit) return false
        count++
        this.#position = lane.webhookId
        yield lane
      }
      if (lanes.length === asked) continue
      if (upTo !== lastId || start === '') return true
      upTo = start
      round.wraps++
      this.#position = ''
    }
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

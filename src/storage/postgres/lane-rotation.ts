/**
 * Where the next claim begins among the lanes (the webhooks with something ready). It goes round by webhook id, so that each gets
 * its turn even where there are more lanes than one claim may probe.
 */
export class LaneRotation {
  #position = '00000000-0000-0000-0000-000000000000'
  #round: Round | null = null

  /** The lane behind which to begin. */
  get position(): string {
    return this.#position
  }

  /** Notes that the lanes behind {@link position} were probed as far as `last`, which may be round the end; null where there were none. */
  moveTo(last: string | null): void {
    const round = (this.#round ??= { start: this.#position, wrapCount: 0, wakeAtMs: null })
    if (last === null) return
    if (last <= this.#position) round.wrapCount++
    this.#position = last
  }

  /** Begins a new round, because something was found. */
  restart(): void {
    this.#round = null
  }

  /**
   * Notes that a probe met only lanes that cannot be claimed from, the first of which opens in `wakeInMs`. Once a whole round of
   * probes was like that, it says when the first of them all opens: going round again before would only burn the processor.
   */
  idle(wakeInMs: number | null, nowMs: number): { readonly wakeInMs: number | null } | null {
    const round = this.#round
    if (round === null) return null
    if (wakeInMs !== null) round.wakeAtMs = Math.min(nowMs + wakeInMs, round.wakeAtMs ?? Infinity)
    // The lane at which the round began may be gone: round the end twice is a round too.
    if (round.wrapCount === 0 || (round.wrapCount === 1 && this.#position < round.start)) return null
    this.restart()
    return { wakeInMs: round.wakeAtMs === null ? null : Math.max(0, round.wakeAtMs - nowMs) }
  }
}

interface Round {
  readonly start: string
  wrapCount: number
  /** When the first gate met opens, by the process's own clock. */
  wakeAtMs: number | null
}

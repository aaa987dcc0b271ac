// How long the bounds hold, and by how much they lie below what was seen. What a transaction commits later than that after it was
// dated is found by the next look without them.
const keptForMs = 5000
const marginMs = 1000

/** Nothing is ready, or leased or waiting, from before these instants, in milliseconds since 1970 by the server's clock. */
export interface DueFloor {
  readonly readyMs: number
  readonly waitingMs: number
}

/** No bounds: what a full look goes by. */
export const noFloor: DueFloor = { readyMs: 0, waitingMs: 0 }

/** What a full look has seen. */
export interface FullLook {
  readonly nowMs: number
  /** Since when the longest due delivery has been; null where not all lanes were met. */
  readonly oldestReadyMs: number | null
  /** Whether everything due was promoted. */
  readonly isPromoted: boolean
}

/**
 * Remembers how far back claims have to look. What was delivered lies at the front of the indexes that claims use until a vacuum has
 * removed it, which it cannot beside a transaction that has been open since before. To look no further back than there is something
 * keeps claims from going through all of it: without, each took 0.9 ms longer for every thousand deliveries made meanwhile.
 */
export class DueFloors {
  #floor: DueFloor = noFloor
  #keptUntil = -Infinity

  /** The bounds, none of them where they are too old. */
  get current(): DueFloor {
    return performance.now() < this.#keptUntil ? this.#floor : noFloor
  }

  raise({ nowMs, oldestReadyMs, isPromoted }: FullLook): void {
    this.#floor = {
      readyMs: oldestReadyMs === null ? 0 : Math.max(0, Math.min(oldestReadyMs, nowMs) - marginMs),
      waitingMs: isPromoted ? Math.max(0, nowMs - marginMs) : 0,
    }
    this.#keptUntil = performance.now() + keptForMs
  }

  /** Makes the next look a full one. */
  clear(): void {
    this.#keptUntil = -Infinity
  }

  /** Until `nextDueInMs`, or until the next full look where that is sooner. */
  unlessSooner(nextDueInMs: number | null): number | null {
    const untilFullLook = this.#keptUntil - performance.now()
    return untilFullLook > 0 ? Math.min(nextDueInMs ?? Infinity, untilFullLook) : nextDueInMs
  }
}

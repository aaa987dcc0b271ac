// Deliveries that are read of each lane although another lane's may come first.
const maxPassed = 2000

/** How many deliveries to read of each of some lanes, so that `limit` of them all may be taken in turn. */
export function shareOf(limit: number, laneCount: number): number {
  return Math.max(Math.ceil(limit / laneCount), Math.floor(maxPassed / laneCount))
}

/** The first of each lane, then the second ones, and so on, up to `limit`. */
export function inTurn<T>(lanes: readonly (readonly T[])[], limit: number): T[] {
  const taken: T[] = []
  const longest = lanes.reduce((most, { length }) => Math.max(most, length), 0)
  for (let place = 0; place < longest && taken.length < limit; place++) {
    for (const lane of lanes) taken.push(...lane.slice(place, place + 1))
  }
  return taken.slice(0, limit)
}

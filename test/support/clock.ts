/** A clock that stands still until it is moved. */
export function manualClock(startMs = Date.parse('2026-11-23T12:00:00Z')) {
  let nowMs = startMs
  return {
    now: () => nowMs,
    advance: (ms: number) => {
      nowMs += ms
    },
  }
}

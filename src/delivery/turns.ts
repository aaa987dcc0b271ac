// A turn without work takes some 10 µs. More than these bring no more together (docs/performance.md, "What was tried").
const maxTurns = 8
// In a process whose turns are long, nobody waits for eight of them.
const maxMs = 4

let waiting: (() => void)[] = []

/**
 * Calls `go` after a few turns of the event loop. What others begin to wait for meanwhile comes with it, in one turn, so that what they write shares a commit:
 * all waits of a process end together, after 8 turns, or the first one to end 4 ms after they began.
 */
export function afterTurns(go: () => void): void {
  waiting.push(go)
  if (waiting.length === 1) count(maxTurns, performance.now() + maxMs)
}

function count(turns: number, until: number): void {
  setImmediate(() => {
    if (turns > 1 && performance.now() < until) return count(turns - 1, until)
    const all = waiting
    waiting = []
    for (const go of all) go()
  })
}

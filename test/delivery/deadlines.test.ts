import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Deadlines } from '../../src/delivery/deadlines.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('Deadlines', () => {
  it('give up each work at its own time, with one timer', () => {
    const deadlines = new Deadlines(1_000)
    const begun = performance.now()
    const ends: number[] = []
    const add = () => deadlines.add({ abort: () => ends.push(performance.now() - begun) }, performance.now())
    add()
    vi.advanceTimersByTime(300)
    add()
    vi.advanceTimersByTime(1)
    add()
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(5_000)
    expect(ends).toEqual([1_000, 1_300, 1_301])
  })

  it('leave alone what has ended, and keep no timer for nothing', () => {
    const deadlines = new Deadlines(1_000)
    const abort = vi.fn<() => void>()
    const place = deadlines.add({ abort }, performance.now())
    expect(deadlines.remove(place)).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(5_000)
    expect(abort).not.toHaveBeenCalled()
  })

  it('say what was given up before', () => {
    const deadlines = new Deadlines(1_000)
    const work = { abort: () => {} }
    const late = deadlines.add(work, performance.now())
    vi.advanceTimersByTime(1_000)
    expect(deadlines.remove(late)).toBe(false)
    const ended = deadlines.add(work, performance.now())
    expect(deadlines.removeAll()).toEqual([work])
    expect(deadlines.remove(ended)).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('go on with those that come after one that was given up', () => {
    const deadlines = new Deadlines(1_000)
    const late = vi.fn<() => void>()
    deadlines.add({ abort: () => {} }, performance.now())
    vi.advanceTimersByTime(1_000)
    deadlines.add({ abort: late }, performance.now())
    vi.advanceTimersByTime(999)
    expect(late).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(late).toHaveBeenCalledOnce()
  })

  it('leave nothing that has ended to the old generation', () => {
    const deadlines = new Deadlines(1_000)
    const rounds = 400
    const perRound = 64
    const places: ReturnType<typeof deadlines.add>[] = []
    const turn = () => {
      for (let count = 0; count < perRound; count++) {
        const work = { abort: () => {}, weight: Array.from({ length: 100 }) }
        places.push(deadlines.add(work, performance.now()))
        const oldest = places.length > perRound ? places.shift() : undefined
        if (oldest !== undefined) deadlines.remove(oldest)
      }
    }
    // Whatever lives as long as a dispatcher does is old itself.
    for (let round = 0; round < rounds; round++) turn()
    for (let times = 0; times < 3; times++) collectYoung({ type: 'minor' })
    const before = oldBytes()
    for (let round = 0; round < rounds; round++) {
      turn()
      if (round % 10 === 0) collectYoung({ type: 'minor' })
    }
    // Each work is some 1,000 bytes.
    expect(oldBytes() - before).toBeLessThan((rounds * perRound * 1_000) / 10)
  })
})

setFlagsFromString('--expose-gc')
const collectYoung = runInNewContext('gc') as (options: { type: 'minor' }) => void // what the flag above adds

function oldBytes(): number {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')
  return space?.space_used_size ?? Number.NaN
}

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
    const work = { abort }
    deadlines.add(work, performance.now())
    expect(deadlines.remove(work)).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(5_000)
    expect(abort).not.toHaveBeenCalled()
  })

  it('say what was given up before', () => {
    const deadlines = new Deadlines(1_000)
    const work = { abort: () => {} }
    deadlines.add(work, performance.now())
    vi.advanceTimersByTime(1_000)
    expect(deadlines.remove(work)).toBe(false)
    deadlines.add(work, performance.now())
    expect(deadlines.removeAll()).toEqual([work])
    expect(deadlines.remove(work)).toBe(false)
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
})

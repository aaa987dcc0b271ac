import { describe, expect, it } from 'vitest'
import { UuidV7 } from '../../src/registry/uuid-v7.ts'

const atMs = Date.UTC(2026, 10, 26)
const timeOf = (id: string) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)

describe('UuidV7', () => {
  it('makes UUIDs of version 7 and the variant of RFC 9562', () => {
    const ids = new UuidV7()
    const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    for (let count = 0; count < 2_000; count++) expect(ids.next()).toMatch(form)
  })

  it('writes time, counter and random bits where RFC 9562 has them', () => {
    const words = [0xffff_ffff, 0xffff_ffff, 0x1234_5678]
    const ids = new UuidV7(
      () => 0x0123_4567_89ab,
      (pool) => pool.set(words),
    )
    // The highest bit of the counter is left free.
    expect(ids.next()).toBe('01234567-89ab-77ff-bfff-ffff12345678')
  })

  it('writes the largest time that fits', () => {
    expect(timeOf(new UuidV7(() => 2 ** 48 - 1).next())).toBe(2 ** 48 - 1)
  })

  it('makes each above the one before within a millisecond', () => {
    const ids = new UuidV7(() => atMs)
    const made = Array.from({ length: 5_000 }, () => ids.next())
    expect(made).toEqual([...new Set(made)].toSorted())
  })

  it('carries from the low to the high part of the counter', () => {
    const ids = new UuidV7(
      () => atMs,
      (pool) => pool.set([1, 2 ** 30 - 1]),
    )
    expect(ids.next().slice(14, 28)).toBe('7001-bfff-ffff')
    expect(ids.next().slice(14, 28)).toBe('7002-8000-0000')
  })

  it('goes on above where the clock steps back by a little', () => {
    let nowMs = atMs
    const ids = new UuidV7(() => nowMs)
    const before = ids.next()
    nowMs -= 10_000
    const after = ids.next()
    expect(after > before).toBe(true)
    expect(timeOf(after)).toBe(atMs)
  })

  it('follows a clock that steps back by more than ten seconds', () => {
    let nowMs = atMs
    const ids = new UuidV7(() => nowMs)
    ids.next()
    nowMs -= 10_001
    expect(timeOf(ids.next())).toBe(nowMs)
  })

  it('takes new random bits when those at hand are used up', () => {
    let fills = 0
    const ids = new UuidV7(
      () => atMs,
      (pool) => {
        fills++
        for (let index = 0; index < pool.length; index++) pool[index] = fills * 1_000 + index
      },
    )
    const ends = new Set(Array.from({ length: 2_000 }, () => ids.next().slice(28)))
    expect(ends.size).toBe(2_000)
    expect(fills).toBe(4)
  })
})

import { describe, expect, it } from 'vitest'
import { inTurn, shareOf } from '../../src/storage/in-turn.ts'

describe('inTurn', () => {
  it('takes the first of each lane, then the second ones, up to the limit', () => {
    const lanes = [['a1', 'a2', 'a3'], ['b1'], ['c1', 'c2']]
    expect(inTurn(lanes, 10)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3'])
    expect(inTurn(lanes, 4)).toEqual(['a1', 'b1', 'c1', 'a2'])
    expect(inTurn([], 4)).toEqual([])
  })
})

describe('shareOf', () => {
  it('is enough for the limit, and bounded for all lanes together', () => {
    expect(shareOf(1000, 1)).toBe(2000)
    expect(shareOf(1000, 10)).toBe(200)
    expect(shareOf(1000, 200)).toBe(10)
    expect(shareOf(1000, 2000)).toBe(1)
    expect(shareOf(5000, 2)).toBe(2500)
  })
})

import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { BoundedCache } from '../../src/domain/bounded-cache.ts'

describe('BoundedCache', () => {
  it('finds most of what comes in turn, though it is more than there is room for', () => {
    const cache = new BoundedCache<number>(100)
    let found = 0
    for (let turn = 0; turn < 50; turn++) {
      for (let number = 0; number < 110; number++) {
        if (cache.get(`w${number}`) === number) found++
        else cache.set(`w${number}`, number)
      }
    }
    expect(cache.size).toBe(100)
    // Of 5,500: about four in five. What goes by age would find none at all.
    expect(found).toBeGreaterThan(3000)
  })

  it('holds what was put in last under each name, and no more than its bound, in any order of calls', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const call = fc.oneof(fc.record({ name, value: fc.integer() }), fc.record({ name }))
    fc.assert(
      fc.property(
        fc.array(call, { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.noShrink(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (calls, most, random) => {
          const cache = new BoundedCache<number>(most, () => random)
          const expected = new Map<string, number>()
          for (const each of calls) {
            const isFull = cache.size === most
            const value = 'value' in each ? each.value : undefined
            if (value === undefined) {
              cache.delete(each.name)
              expected.delete(each.name)
            } else {
              cache.set(each.name, value)
              expected.set(each.name, value)
            }
            expect(cache.get(each.name)).toBe(value)
            const gone = [...expected.keys()].filter((key) => cache.get(key) === undefined)
            // One goes, and only for want of room.
            expect(gone.length).toBeLessThanOrEqual(isFull ? 1 : 0)
            for (const key of gone) expected.delete(key)
            for (const [key, kept] of expected) expect(cache.get(key)).toBe(kept)
            expect(cache.size).toBe(expected.size)
            expect(cache.size).toBeLessThanOrEqual(most)
          }
        },
      ),
    )
  })

  it('lets nothing go for a name that is there already', () => {
    const cache = new BoundedCache<number>(2)
    cache.set('a', 1)
    cache.set('b', 2)
    for (let value = 3; value < 50; value++) cache.set('a', value)
    expect([cache.get('a'), cache.get('b')]).toEqual([49, 2])
  })
})

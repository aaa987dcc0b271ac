import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { type HeapEntry, TimeHeap } from '../../../src/storage/memory/time-heap.ts'

const steps = fc.array(fc.record({ atMs: fc.nat(20), isRemoval: fc.boolean(), pick: fc.nat() }), { maxLength: 200 })

describe('TimeHeap', () => {
  it('gives out what is earliest, first come first, whatever was added and removed', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const heap = new TimeHeap<number>()
        let entries: HeapEntry<number>[] = []
        for (const [index, { atMs, isRemoval, pick }] of all.entries()) {
          const removed = isRemoval ? entries[pick % entries.length] : undefined
          if (removed !== undefined) {
            heap.remove(removed)
            entries = entries.filter((entry) => entry !== removed)
          } else {
            entries.push(heap.add(index, atMs))
          }
          const sorted = entries.toSorted((one, other) => one.atMs - other.atMs || one.value - other.value)
          expect(heap.first).toBe(sorted[0])
          expect(heap.size).toBe(entries.length)
          const until10 = sorted.filter((entry) => entry.atMs <= 10)
          expect(heap.earliest(5, 10).map((value) => entries.find((entry) => entry.value === value)?.atMs)).toEqual(
            until10.slice(0, 5).map((entry) => entry.atMs),
          )
          expect(heap.countUntil(10)).toBe(entries.filter((entry) => entry.atMs <= 10).length)
        }
      }),
      { numRuns: 200 },
    )
  })
})

import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { RowIndex, SortedRows } from '../../../src/storage/memory/sorted-rows.ts'

interface Row {
  readonly id: string
  isRemoved: boolean
}

const ids = fc.nat(400).map((number) => number.toString(16).padStart(4, '0'))

describe('SortedRows', () => {
  it('walks what is there in order from any cursor, after any additions and removals', () => {
    fc.assert(
      fc.property(fc.array(ids, { maxLength: 600, size: 'max' }), fc.option(ids), (touched, cursor) => {
        const rows = new SortedRows<Row>()
        const kept = new Map<string, Row>()
        for (const id of touched) {
          const earlier = kept.get(id)
          if (earlier === undefined) {
            const row = { id, isRemoved: false }
            kept.set(id, row)
            rows.add(row)
          } else {
            earlier.isRemoved = true
            kept.delete(id)
            rows.noteRemoval()
          }
        }
        const sorted = [...kept.keys()].toSorted()
        expect(rows.size).toBe(sorted.length)
        for (const id of touched) expect(rows.find(id)).toBe(kept.get(id))
        expect(idsOf(rows.walk(cursor, 'asc'))).toEqual(sorted.filter((id) => cursor === null || id > cursor))
        expect(idsOf(rows.walk(cursor, 'desc'))).toEqual(
          sorted.filter((id) => cursor === null || id < cursor).toReversed(),
        )
      }),
      { numRuns: 200 },
    )
  })

  it('goes on with a walk during which gaps are closed', () => {
    const rows = new SortedRows<Row>()
    const all = Array.from({ length: 200 }, (_, index) => ({ id: String(index).padStart(4, '0'), isRemoved: false }))
    for (const row of all) rows.add(row)
    const seen = []
    for (const row of rows.walk(null, 'asc')) {
      seen.push(row.id)
      row.isRemoved = true
      rows.noteRemoval()
    }
    expect(seen).toEqual(all.map((row) => row.id))
    expect(rows.size).toBe(0)
  })
})

describe('RowIndex', () => {
  it('keeps the rows of owners apart', () => {
    const index = new RowIndex<Row>()
    const [one, other] = [
      { id: 'a', isRemoved: false },
      { id: 'b', isRemoved: false },
    ]
    index.add('one', one)
    index.add('other', other)
    expect([...index.walk('one', null, 'asc')]).toEqual([one])
    one.isRemoved = true
    index.noteRemoval('one')
    expect([...index.walk('one', null, 'asc')]).toEqual([])
    expect([...index.walk('other', null, 'desc')]).toEqual([other])
  })
})

function idsOf(rows: Iterable<Row>): string[] {
  return [...rows].map((row) => row.id)
}

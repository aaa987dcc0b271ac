import { expect, it } from 'vitest'
import { newId } from '../../src/registry/id.ts'

it('makes ids that are UUIDv7, sorted by time and never the same', () => {
  const before = Date.now()
  const ids = Array.from({ length: 10_000 }, newId)
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  expect(ids.filter((id) => !form.test(id))).toEqual([])
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
  const timeOf = (id = '') => Number.parseInt(id.replace('-', '').slice(0, 12), 16)
  expect(timeOf(ids[0])).toBeGreaterThanOrEqual(before)
  expect(timeOf(ids.at(-1))).toBeLessThanOrEqual(Date.now() + 1)
})

it('leaves every random bit to chance', () => {
  const bits = Array.from({ length: 32 }, () => 0)
  for (let count = 0; count < 4_000; count++) {
    const last = Number.parseInt(newId().slice(-8), 16)
    for (const bit of bits.keys()) bits[bit]! += (last >>> bit) & 1
  }
  // Of 4,000 tosses: ten standard deviations.
  for (const count of bits) expect(Math.abs(count - 2_000)).toBeLessThan(320)
})

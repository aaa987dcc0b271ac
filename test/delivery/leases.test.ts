import { describe, expect, it } from 'vitest'
import { memoryStorage } from 'posthorn'
import { Leases } from '../../src/delivery/leases.ts'

describe('Leases', () => {
  const leases = () => new Leases(memoryStorage(), 30_000, () => undefined)

  it('are lost where storage has given the delivery out again, whatever the clock of this process says', () => {
    const held = leases()
    const former = held.hold({ id: 'a', lease: '1' }, performance.now())
    expect(held.isLost(former)).toBe(false)
    const latter = held.hold({ id: 'a', lease: '2' }, performance.now())
    expect([former, latter].map((hold) => held.isLost(hold))).toEqual([true, false])
    held.drop(former)
    expect(held.isLost(latter)).toBe(false)
    held.drop(latter)
  })

  it('are lost once they have run out', () => {
    const held = leases()
    const hold = held.hold({ id: 'a', lease: '1' }, performance.now() - 30_000)
    expect(held.isLost(hold)).toBe(true)
    held.drop(hold)
  })
})

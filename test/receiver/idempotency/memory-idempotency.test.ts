import { idempotencyConformance } from 'posthorn/testing'
import { memoryIdempotency } from 'posthorn/receiver'
import { describe, expect, it } from 'vitest'
import { manualClock } from '../../support/clock.ts'

describe('memoryIdempotency', () => {
  idempotencyConformance({ describe, it }, { createStore: ({ clock }) => memoryIdempotency({ clock }) })

  const event = (id: string) => {
    return { scope: 's', id, lease: id, leaseMs: 1_000, keepMs: 10_000, fingerprint: 'f', record: null }
  }

  it('forgets the oldest completed event first when it is full', async () => {
    const store = memoryIdempotency({ maxEvents: 2 })
    await store.reserve(event('held'))
    await store.reserve(event('done'))
    await store.complete(event('done'), 10_000)
    expect((await store.reserve(event('third'))).status).toBe('reserved')
    expect((await store.reserve({ ...event('held'), lease: 'other' })).status).toBe('in-flight')
    await expect(store.reserve(event('fourth'))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  })

  it('makes room of what has outlived its keep time', async () => {
    const clock = manualClock()
    const store = memoryIdempotency({ maxEvents: 1, clock: clock.now })
    await store.reserve(event('first'))
    clock.advance(10_000)
    expect((await store.reserve(event('second'))).status).toBe('reserved')
  })

  it.each([0, 1.5, NaN, Infinity, '10'])('refuses maxEvents %j', (maxEvents) => {
    // @ts-expect-error some are no numbers
    expect(() => memoryIdempotency({ maxEvents: maxEvents as unknown })).toThrow(RangeError)
  })
})

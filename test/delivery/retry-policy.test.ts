import { describe, expect, it } from 'vitest'
import { standardSchedule } from 'posthorn'
import { attemptsPerRound, retryPolicy, roundWaitMs } from '../../src/delivery/retry-policy.ts'

describe('retryPolicy', () => {
  it('makes 4 attempts, exponentially apart, unless told otherwise', () => {
    const policy = retryPolicy()
    expect(attemptsPerRound(policy)).toBe(4)
    expect([1, 2, 3].map((nth) => roundWaitMs(policy, nth))).toEqual([1000, 2000, 4000])
    expect(policy.schedule).toEqual([])
  })

  it('accepts waits that sum to 30 s and refuses longer ones', () => {
    expect(retryPolicy({ retries: 4, minTimeout: 1000 }).retries).toBe(4)
    expect(() => retryPolicy({ retries: 5, minTimeout: 1000 })).toThrow(/schedule/)
    expect(retryPolicy({ retries: 5, minTimeout: 1000, maxTimeout: 4000 }).retries).toBe(5)
    expect(() => retryPolicy({ retries: 3, minTimeout: 10_001, factor: 1, randomize: false })).toThrow(RangeError)
  })

  it.each([
    [{ retries: -1 }, RangeError, 'retry.retries'],
    [{ retries: 1.5 }, RangeError, 'retry.retries'],
    [{ retries: Number.NaN }, TypeError, 'retry.retries'],
    [{ minTimeout: -1 }, RangeError, 'retry.minTimeout'],
    [{ factor: 0 }, RangeError, 'retry.factor'],
    [{ maxTimeout: -1 }, RangeError, 'retry.maxTimeout'],
  ])('refuses %j by name', (retry, type, name) => {
    expect(() => retryPolicy(retry)).toThrow(type)
    expect(() => retryPolicy(retry)).toThrow(name)
  })

  it('refuses options that it does not know and values of the wrong type', () => {
    expect(() => retryPolicy(JSON.parse('{"retry": 3}'))).toThrow(/retry\.retry is not an option/)
    expect(() => retryPolicy(JSON.parse('{"randomize": "yes"}'))).toThrow(/retry\.randomize/)
    expect(() => retryPolicy(JSON.parse('{"shouldRetry": true}'))).toThrow(/retry\.shouldRetry/)
    expect(() => retryPolicy({}, [-1])).toThrow(/schedule\[0\]/)
    expect(() => retryPolicy({}, [Number.NaN])).toThrow(/schedule\[0\]/)
    expect(() => retryPolicy({}, JSON.parse('"5s"'))).toThrow(/schedule must be an array/)
  })
})

describe('standardSchedule', () => {
  it('spans 75 h 35 min 5 s, as Standard Webhooks recommends', () => {
    const seconds = standardSchedule.reduce((sum, wait) => sum + wait, 0) / 1000
    expect(seconds).toBe(75 * 3600 + 35 * 60 + 5)
  })
})

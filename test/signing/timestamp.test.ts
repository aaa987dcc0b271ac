import { describe, expect, it } from 'vitest'
import { isoTime, milliseconds } from '../../src/signing/time-units.ts'
import { checkTimestamp, seconds, type TimeUnit } from '../../src/signing/timestamp.ts'
import { timeWriterOf } from '../../src/signing/writers.ts'
import { nowMs } from './messages.ts'

const codeOf = (unit: TimeUnit, atMs: number, atClock: number, maxFutureMs: number) => {
  try {
    return checkTimestamp(timeWriterOf(unit)(atMs), unit, atClock, 300_000, maxFutureMs).getTime()
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('maxFutureMs below a second', () => {
  it.each([milliseconds, isoTime])(
    'lets a message of this very instant pass in $name, which was called too new',
    (unit) => {
      for (const fraction of [0, 1, 500, 999])
        expect(codeOf(unit, nowMs + fraction, nowMs + fraction, 1)).toBe(nowMs + fraction)
    },
  )

  it.each([milliseconds, isoTime])('counts from this instant in $name', (unit) => {
    expect(codeOf(unit, nowMs + 600, nowMs + 500, 100)).toBe(nowMs + 600)
    expect(codeOf(unit, nowMs + 601, nowMs + 500, 100)).toBe('TIMESTAMP_TOO_NEW')
  })

  it('counts from this instant in seconds too', () => {
    expect(codeOf(seconds, nowMs, nowMs + 999, 1)).toBe(nowMs)
    expect(codeOf(seconds, nowMs + 1000, nowMs + 999, 1)).toBe(nowMs + 1000)
    expect(codeOf(seconds, nowMs + 1000, nowMs + 998, 1)).toBe('TIMESTAMP_TOO_NEW')
  })

  it('makes no message older by what its sender cut off', () => {
    expect(codeOf(seconds, nowMs - 300_000, nowMs + 999, 1)).toBe(nowMs - 300_000)
    expect(codeOf(seconds, nowMs - 300_000, nowMs + 1000, 1)).toBe('TIMESTAMP_TOO_OLD')
  })
})

import { describe, expect, it } from 'vitest'
import { maxRetryAfterMs, parseRetryAfter } from '../../src/delivery/retry-after.ts'

const now = Date.parse('2026-11-23T12:00:00Z')

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    ['Mon, 23 Nov 2026 12:00:30 GMT', 30_000],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['9999999999', maxRetryAfterMs],
  ])('reads %s', (text, ms) => {
    expect(parseRetryAfter(text, now)).toBe(ms)
  })

  it.each([
    undefined,
    '',
    ' 1',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    '99999999999',
    'soon',
    '2026-11-23T12:00:30Z',
    'Mon, 99 Nov 2026 12:00:30 GMT',
    'Monday, 23-Nov-26 12:00:30 GMT',
    'x Mon, 23 Nov 2026 12:00:30 GMT',
    'Mon, 23 Nov 2026 12:00:30 GMT+0100',
  ])('takes %j as absent', (text) => {
    expect(parseRetryAfter(text, now)).toBeNull()
  })
})

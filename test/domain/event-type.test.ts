import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import {
  isEventPattern,
  isEventType,
  matchesPattern,
  patternsMatching,
  testEventType,
} from '../../src/domain/event-type.ts'

const segment = fc.stringMatching(/^[A-Za-z0-9_]{1,6}$/)
const eventType = fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => segments.join('.'))

describe('isEventType', () => {
  it.each(['a', 'execution.completed', 'A_1.b2.C', '_', '09.AZ.az', 'a'.repeat(128)])('accepts %s', (type) => {
    expect(isEventType(type)).toBe(true)
  })
  it.each([
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    'a b',
    'a-b',
    'é',
    'a.*',
    '*',
    'a\n',
    '/',
    ':',
    '@',
    '[',
    '`',
    '{',
    'a'.repeat(129),
  ])('refuses %j', (type) => {
    expect(isEventType(type)).toBe(false)
  })
})

describe('testEventType', () => {
  it('is what receivers know tests by', () => {
    expect(testEventType).toBe('webhook.test')
  })
})

describe('isEventPattern', () => {
  it.each(['*', 'a.*', 'a.b.*', 'a.b', 'ab', 'a.bc'])('accepts %s', (pattern) => {
    expect(isEventPattern(pattern)).toBe(true)
  })
  it.each(['**', '.*', '*.a', 'a*', 'a.*.b', 'a.**', 'a.b--', ''])('refuses %j', (pattern) => {
    expect(isEventPattern(pattern)).toBe(false)
  })
})

describe('patternsMatching', () => {
  it('lists every pattern that matches, widest first', () => {
    expect(patternsMatching('a.b.c')).toEqual(['*', 'a.*', 'a.b.*', 'a.b.c'])
    expect(patternsMatching('a')).toEqual(['*', 'a'])
  })

  it('agrees with matchesPattern for every type and pattern', () => {
    const pattern = fc.oneof(
      fc.constant('*'),
      eventType,
      eventType.map((prefix) => `${prefix}.*`),
    )
    fc.assert(
      fc.property(eventType, pattern, (type, candidate) => {
        expect(matchesPattern(candidate, type)).toBe(patternsMatching(type).includes(candidate))
      }),
    )
  })
})

describe('matchesPattern', () => {
  it('matches whole segments only', () => {
    expect(matchesPattern('execution.*', 'execution.completed')).toBe(true)
    expect(matchesPattern('execution.*', 'execution.step.completed')).toBe(true)
    expect(matchesPattern('execution.*', 'execution')).toBe(false)
    expect(matchesPattern('execution.*', 'executions.completed')).toBe(false)
    expect(matchesPattern('exec.*', 'execution.completed')).toBe(false)
    expect(matchesPattern('execution.completed', 'execution.completed')).toBe(true)
    expect(matchesPattern('execution', 'execution.completed')).toBe(false)
  })
})

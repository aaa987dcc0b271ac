import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AttemptErrorCode } from 'posthorn'
import { decide, mayBeRetried, type DecisionContext } from '../../src/delivery/decide.ts'
import { retryPolicy } from '../../src/delivery/retry-policy.ts'
import type { Outcome } from '../../src/domain/outcome.ts'

const time = { startedAt: new Date(0), durationMs: 1 }
const answer = (status: number, headers: Record<string, string> = {}): Outcome => ({
  ...time,
  status,
  error: null,
  headers,
  body: '',
})
const failure = (error: AttemptErrorCode): Outcome => ({ ...time, status: null, error })
const context = (changes: Partial<DecisionContext> = {}): DecisionContext => ({
  attempts: 1,
  policy: retryPolicy(),
  isRetryable: true,
  canWaitInRound: true,
  nowMs: 0,
  random: 0,
  ...changes,
})

describe('decide', () => {
  it.each([200, 201, 202, 204, 299])('takes %d as success', (status) => {
    expect(decide(answer(status), context())).toEqual({ next: 'succeeded' })
  })

  // Below 200 is what a fetch that was given may answer: 0 for an opaque response.
  it.each([0, 199, 300, 301, 302, 307, 400, 401, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 599])(
    'retries after %d',
    (status) => {
      expect(decide(answer(status), context())).toEqual({ next: 'retry_in_round', waitMs: 1000 })
    },
  )

  it.each<AttemptErrorCode>([
    'timeout',
    'connect_timeout',
    'dns',
    'refused',
    'reset',
    'tls',
    'protocol',
    'network',
    'blocked',
  ])('retries after %s', (error) => expect(decide(failure(error), context()).next).toBe('retry_in_round'))

  it('disables the webhook after 410', () => {
    expect(decide(answer(410), context())).toMatchObject({ next: 'failed', reason: 'gone', disablesWebhook: true })
  })

  it.each(['invalid_url', 'invalid_secret'] as const)('does not retry %s', (error) => {
    expect(decide(failure(error), context())).toMatchObject({ next: 'failed', reason: error, disablesWebhook: false })
  })

  it('fails after the last attempt of the last round', () => {
    expect(decide(answer(500), context({ attempts: 4 }))).toMatchObject({ next: 'failed', reason: 'exhausted' })
  })

  it('parks between rounds for the scheduled wait and at most a tenth more', () => {
    const policy = retryPolicy({ retries: 1 }, [1000, 5000])
    expect(decide(answer(500), context({ attempts: 2, policy }))).toEqual({
      next: 'retry_later',
      waitMs: 1000,
      gateMs: null,
    })
    expect(decide(answer(500), context({ attempts: 4, policy, random: 1 }))).toMatchObject({ waitMs: 5500 })
    expect(decide(answer(500), context({ attempts: 6, policy }))).toMatchObject({ next: 'failed', reason: 'exhausted' })
  })

  it('parks the next wait where no more rounds may wait in memory', () => {
    expect(decide(answer(500), context({ canWaitInRound: false }))).toEqual({
      next: 'retry_later',
      waitMs: 1000,
      gateMs: null,
    })
    expect(decide(answer(500), context({ canWaitInRound: false, random: 0.5 }))).toMatchObject({ waitMs: 1500 })
  })

  it.each([429, 503])('parks the delivery and holds the webhook back where %d asks for a longer wait', (status) => {
    const decision = decide(answer(status, { 'retry-after': '120' }), context())
    expect(decision).toEqual({ next: 'retry_later', waitMs: 120_000, gateMs: 120_000 })
  })

  it('keeps the round where Retry-After is no longer than its wait', () => {
    expect(decide(answer(503, { 'retry-after': '1' }), context())).toEqual({ next: 'retry_in_round', waitMs: 1000 })
  })

  it('reads Retry-After of 429 and 503 only', () => {
    expect(decide(answer(500, { 'retry-after': '120' }), context()).next).toBe('retry_in_round')
  })

  it('waits the longer of schedule and Retry-After', () => {
    const policy = retryPolicy({ retries: 0 }, [60_000])
    expect(decide(answer(429, { 'retry-after': '90' }), context({ policy }))).toMatchObject({ waitMs: 90_000 })
    expect(decide(answer(429, { 'retry-after': '30' }), context({ policy }))).toMatchObject({ waitMs: 60_000 })
  })

  it('ends where the policy lets it not be retried', () => {
    expect(decide(answer(404), context({ isRetryable: false }))).toMatchObject({ next: 'failed', reason: 'rejected' })
    expect(decide(answer(204), context({ isRetryable: false }))).toEqual({ next: 'succeeded' })
    expect(decide(answer(410), context({ isRetryable: false }))).toMatchObject({ reason: 'gone' })
  })

  it('holds the webhook back as asked also where the delivery itself is given up', () => {
    const busy = answer(503, { 'retry-after': '60' })
    expect(decide(busy, context({ attempts: 4 }))).toMatchObject({ reason: 'exhausted', gateMs: 60_000 })
    expect(decide(busy, context({ isRetryable: false }))).toMatchObject({ reason: 'rejected', gateMs: 60_000 })
  })

  it('ends every delivery after exactly (retries + 1) × (waits + 1) failures, however the rounds are cut', () => {
    const cases = fc.tuple(
      fc.nat(3),
      fc.array(fc.constant(1000), { maxLength: 4 }),
      fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
    )
    fc.assert(
      fc.property(cases, ([retries, schedule, cuts]) => {
        const policy = retryPolicy({ retries, minTimeout: 10 }, schedule)
        let attempts = 1
        while (
          decide(answer(500), context({ attempts, policy, canWaitInRound: cuts[attempts] ?? true })).next !== 'failed'
        )
          attempts++
        expect(attempts).toBe((retries + 1) * (schedule.length + 1))
      }),
    )
  })
})

describe('mayBeRetried', () => {
  it.each([0, 199, 300, 404, 409, 411, 429, 500, 503])('lets the policy be asked about %d', (status) => {
    expect(mayBeRetried(answer(status))).toBe(true)
  })

  it.each([200, 204, 299, 410])('lets nobody be asked about %d', (status) => {
    expect(mayBeRetried(answer(status))).toBe(false)
  })

  it('lets the policy be asked about what a request met, but not where none could be made', () => {
    expect(mayBeRetried(failure('timeout'))).toBe(true)
    expect(mayBeRetried(failure('blocked'))).toBe(true)
    expect(mayBeRetried(failure('invalid_url'))).toBe(false)
    expect(mayBeRetried(failure('invalid_secret'))).toBe(false)
  })
})

import { describe, expect, it } from 'vitest'
import { echoesOf, requestHeaders, withoutEchoes } from '../../src/delivery/request-headers.ts'
import type { Outcome } from '../../src/domain/outcome.ts'

const answer = (body: string, headers: Readonly<Record<string, string>> = {}): Outcome => ({
  startedAt: new Date(0),
  durationMs: 1,
  status: 400,
  error: null,
  headers,
  body,
})

const without = (custom: Readonly<Record<string, string>>, outcome: Outcome) =>
  withoutEchoes(outcome, echoesOf(Object.values(custom)))

const redacted = (body: string, custom: Readonly<Record<string, string>>) => {
  const outcome = without(custom, answer(body))
  return 'body' in outcome ? outcome.body : ''
}

describe('withoutEchoes', () => {
  it.each([['tenant-key-1'], ['tenant-key-1-and-more']])(
    'leaves nothing of a value that begins with another one, %s first',
    (first) => {
      const values = { a: first, b: 'tenant-key-1', c: 'tenant-key-1-and-more' }
      expect(redacted('tenant-key-1-and-more, tenant-key-1.', values)).toBe('[redacted], [redacted].')
    },
  )

  it('leaves nothing of an echo that the end of the answer cuts off', () => {
    const value = 'Bearer 0123456789abcdef'
    for (let length = 8; length <= value.length; length++) {
      expect(redacted(`got ${value.slice(0, length)}`, { authorization: value })).toBe('got [redacted]')
    }
    expect(redacted('{"token":"0123456789', { authorization: value })).toBe('{"token":"[redacted]')
  })

  it('finds in the end of an answer the longest beginning of a value, however often it begins anew', () => {
    const value = 'abababab-abababac-'
    const beginnings = Array.from({ length: value.length - 1 }, (_, index) => value.slice(0, index + 1))
    for (const end of beginnings.flatMap((last) => beginnings.map((before) => `${before}|${before}${last}`))) {
      const whole = end.replaceAll(value, '\ud800')
      const cut = beginnings.findLast((beginning) => beginning.length >= 8 && whole.endsWith(beginning)) ?? ''
      const kept = whole.slice(0, whole.length - cut.length).replaceAll('\ud800', '[redacted]')
      expect(redacted(end, { a: value })).toBe(cut === '' ? kept : `${kept}[redacted]`)
    }
  })

  it('takes values out of headers, which nothing cuts off', () => {
    const headers = { 'x-whole': 'got 0123456789abcdef.', 'x-part': 'got 0123456789abcde' }
    const outcome = without({ authorization: 'Bearer 0123456789abcdef' }, answer('', headers))
    expect(outcome).toMatchObject({ headers: { 'x-whole': 'got [redacted].', 'x-part': 'got 0123456789abcde' } })
  })

  it('takes nothing out of what it has put in', () => {
    const values = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`x-${n}`, 'redacted']))
    expect(redacted('a redacted text', values)).toBe('a [redacted] text')
    expect(redacted('a redacted text', { a: 'redacted', b: '[redacted]' })).toBe('a [redacted] text')
  })

  it('takes little longer for an answer that is made to be slow than for any other', () => {
    const echoes = echoesOf(Array.from({ length: 20 }, (_, n) => '"'.repeat(4_000 + n)))
    const quickest = (outcome: Outcome) => {
      const times = Array.from({ length: 5 }, () => {
        const started = performance.now()
        withoutEchoes(outcome, echoes)
        return performance.now() - started
      })
      return Math.min(...times)
    }
    const headers = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`x${n}`, '"'.repeat(5)]))
    const slow = quickest(answer('"'.repeat(3_900), headers))
    const usual = quickest(answer('x'.repeat(16_000), headers))
    // Looking for every beginning one by one, in every header, took hundreds of times as long.
    expect(slow).toBeLessThan(30 * usual)
  })

  it('keeps what is no echo', () => {
    const text = 'Bearer is missing; Bearer, core'
    expect(redacted(text, { authorization: 'Bearer 0123456789abcdef', team: 'core' })).toBe(text)
  })

  it('begins with values of 8 characters', () => {
    expect(redacted('1234567, 12345678', { a: '1234567', b: '12345678' })).toBe('1234567, [redacted]')
  })

  it('knows a value as it stands in JSON, whole and behind Bearer', () => {
    const value = 'Bearer 0123"4567'
    expect(redacted(JSON.stringify({ value }), { authorization: value })).toBe('{"value":"[redacted]"}')
    expect(redacted(JSON.stringify({ token: '0123"4567' }), { authorization: value })).toBe('{"token":"[redacted]"}')
  })

  it('leaves an outcome as it is where there is nothing to take out', () => {
    const lost: Outcome = { startedAt: new Date(0), durationMs: 1, status: null, error: 'timeout' }
    const answered = answer('0123456789abcdef')
    expect(without({ a: '0123456789abcdef' }, lost)).toBe(lost)
    expect(without({}, answered)).toBe(answered)
    expect(without({ a: 'short' }, answered)).toBe(answered)
  })
})

describe('requestHeaders', () => {
  it('sends those of the webhook beside ours, in lower case', () => {
    expect(requestHeaders({ 'X-Team': 'core' }, { 'Webhook-Id': 'msg_1' })).toEqual({
      'x-team': 'core',
      'Webhook-Id': 'msg_1',
    })
  })

  it('lets ours stand, in whatever case', () => {
    const ours = { 'Webhook-Id': 'msg_1', 'x-own-signature': 'right' }
    const custom = { 'webhook-id': 'forged', 'X-OWN-Signature': 'forged' }
    expect(requestHeaders(custom, ours)).toEqual(ours)
    expect(requestHeaders({}, ours)).toBe(ours)
  })
})

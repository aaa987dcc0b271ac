import { describe, expect, it } from 'vitest'
import { requestHeaders, withoutEchoes } from '../../src/delivery/request-headers.ts'
import type { Outcome } from '../../src/domain/outcome.ts'

const answer = (body: string): Outcome => ({
  startedAt: new Date(0),
  durationMs: 1,
  status: 400,
  error: null,
  headers: { 'x-echo': body },
  body,
})

const redacted = (body: string, custom: Readonly<Record<string, string>>) => {
  const outcome = withoutEchoes(answer(body), custom)
  expect(outcome).toMatchObject({ headers: { 'x-echo': 'body' in outcome ? outcome.body : '' } })
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
    expect(withoutEchoes(lost, { a: '0123456789abcdef' })).toBe(lost)
    expect(withoutEchoes(answered, {})).toBe(answered)
    expect(withoutEchoes(answered, { a: 'short' })).toBe(answered)
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

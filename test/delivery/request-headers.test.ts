import { describe, expect, it } from 'vitest'
import { withoutEchoes } from '../../src/delivery/request-headers.ts'
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
    const text = 'Bearer is missing; Bearer'
    expect(redacted(text, { authorization: 'Bearer 0123456789abcdef', team: 'core' })).toBe(text)
  })
})

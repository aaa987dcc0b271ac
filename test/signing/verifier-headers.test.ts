import { describe, expect, it } from 'vitest'
import type { VerifyInput } from '../../src/signing/verify-input.ts'
import { body, codeOf, signed, verifier } from './messages.ts'

const codeFor = (headers: unknown) => codeOf(verifier().verify({ headers, body } as VerifyInput))

describe('Verifier headers', () => {
  it('case 14: reads them in every usual form, in any case', async () => {
    const headers = await signed()
    const entries = Object.entries(headers)
    const upper = entries.map(([name, value]) => [name.toUpperCase(), value] as const)
    const forms = [
      headers,
      Object.fromEntries(upper),
      Object.fromEntries(entries.map(([name, value]) => [name, [value]])),
      { ...headers, 'x-absent': undefined, 'x-list': ['a', 'b'], Host: 'example.com' },
      new Headers(headers),
      new Map(upper),
      upper,
      entries.map(([name, value]) => [name, [value]] as const),
      upper.flat(),
      ['Host', 'example.com', ...upper.flat()],
      Object.assign(Object.create(null), headers) as Record<string, string>,
    ]
    for (const form of forms) {
      expect(await verifier().verify({ headers: form, body })).toMatchObject({ eventId: 'msg_1', keyIndex: 0 })
    }
  })

  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('case 20: misses %s', async (name) => {
    const { [name]: _, ...headers } = await signed()
    expect(await codeFor(headers)).toBe('HEADER_MISSING')
    expect(await codeFor({ ...headers, [name]: '' })).toBe('HEADER_MISSING')
    expect(await codeFor({ ...headers, [name]: undefined })).toBe('HEADER_MISSING')
    expect(await codeFor({ ...headers, [name]: [] })).toBe('HEADER_MISSING')
  })

  it.each(['webhook-id', 'webhook-timestamp'])('case 16: refuses %s sent twice, in whatever form', async (name) => {
    const headers = await signed()
    const value = headers[name] ?? ''
    const appended = new Headers(headers)
    appended.append(name, value)
    expect(await codeFor(appended)).toBe('HEADER_DUPLICATE')
    expect(await codeFor({ ...headers, [name]: [value, value] })).toBe('HEADER_DUPLICATE')
    expect(await codeFor({ ...headers, [name.toUpperCase()]: value })).toBe('HEADER_DUPLICATE')
    expect(await codeFor([...Object.entries(headers), [name, value]])).toBe('HEADER_DUPLICATE')
    expect(await codeFor([...Object.entries(headers).flat(), name, value])).toBe('HEADER_DUPLICATE')
  })

  it('case 15: tries both signatures when the header was sent twice', async () => {
    const headers = await signed()
    const wrong = `v1,${'A'.repeat(43)}=`
    for (const pair of [
      [wrong, headers['webhook-signature'] ?? ''],
      [headers['webhook-signature'] ?? '', wrong],
    ]) {
      const twice = new Headers({ ...headers, 'webhook-signature': pair[0] ?? '' })
      twice.append('webhook-signature', pair[1] ?? '')
      expect(twice.get('webhook-signature')).toContain(', v1,')
      expect((await verifier().verify({ headers: twice, body })).eventId).toBe('msg_1')
      expect((await verifier().verify({ headers: { ...headers, 'webhook-signature': pair }, body })).eventId).toBe(
        'msg_1',
      )
    }
  })

  it.each([
    ['more than 2,000 fields', Array.from({ length: 2001 }, (_, index) => [`x-${index}`, ''])],
    ['an endless list', endlessPairs()],
    ['an id over 4 kB', { 'webhook-id': 'x'.repeat(4097) }],
    ['an id that grows over 4 kB', { 'webhook-id': Array.from({ length: 100 }, () => 'x'.repeat(100)) }],
  ])('refuses %s', async (_, headers) => {
    expect(await codeFor(headers)).toBe('HEADER_INVALID')
  })

  it.each([
    ['null', null],
    ['text', 'webhook-id: 1'],
    ['a value that is a number', { 'webhook-id': 7 }],
    ['a value that is an object', { 'webhook-id': { toString: () => 'msg_1' } }],
    ['pairs with a hole', [['webhook-id', 'a'], null]],
    ['a name that is a number', new Map([[1, 'x']])],
  ])('says that %s are no headers', async (_, headers) => {
    expect(await codeFor(headers)).toBe('VALIDATION_FAILED')
  })

  it.each([
    ['rawHeaders cut off', ['webhook-id']],
    ['a header that is undefined', { 'webhook-id': undefined }],
    ['a header that is null', { 'webhook-id': null }],
    ['an empty list', []],
  ])('misses the header in %s', async (_, headers) => {
    expect(await codeFor(headers)).toBe('HEADER_MISSING')
  })
})

function* endlessPairs(): Generator<readonly [string, string]> {
  for (let index = 0; index < 1_000_000; index++) yield ['x', 'y']
  throw new Error('read to the end')
}

import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { defineHmacScheme } from '../../src/signing/define-hmac-scheme.ts'
import { github } from '../../src/signing/schemes/github.ts'
import { Verifier } from '../../src/signing/verifier.ts'
import type { VerifyInput } from '../../src/signing/verify-input.ts'
import { body, codeOf, nowSeconds, secret, signed, verifier } from './messages.ts'

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

describe('headers whose values are no texts, as a queue or a relay may give them', () => {
  /** What a year ago was signed for another body, as one text and as its bytes. */
  const captured = 'msg_1.1668464000.{"amount":1}'
  const signature = `v1,${createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
    .update(captured)
    .digest('base64')}`
  const forged = JSON.stringify({ amount: 1_000_000 })

  it.each([[[captured]], [[[captured]]], [[...Buffer.from(captured)]], [[[...Buffer.from(captured)]]]])(
    'do not pass for what is signed: %j',
    async (id) => {
      const record = { 'webhook-id': id, 'webhook-timestamp': String(nowSeconds), 'webhook-signature': signature }
      const pairs = Object.entries(record)
      for (const headers of [record, pairs, new Map<string, unknown>(pairs), pairs.flat()])
        for (const acceptsDottedIds of [false, true]) {
          const verifying = verifier({ acceptsDottedIds }).verify({ headers: headers as never, body: forged })
          expect(['HEADER_INVALID', 'HEADER_DUPLICATE', 'SIGNATURE_MISMATCH', 'VALIDATION_FAILED']).toContain(
            await codeOf(verifying),
          )
        }
    },
  )

  it('do not pass for the parts of a scheme of your own', async () => {
    const part = (text: string) => createHmac('sha256', 'a-shared-secret').update(text).digest('hex')
    const scheme = defineHmacScheme({
      name: 'own',
      header: 'x-sig',
      encoding: 'hex',
      content: [{ header: 'x-req' }, 'url', 'body'],
    })
    const own = new Verifier({ scheme, secret: 'a-shared-secret' })
    const verify = (request: unknown, url: unknown) =>
      codeOf(
        own.verify({ headers: { 'x-sig': part('r1/hook{"amount":1}'), 'x-req': request }, url, body: forged } as never),
      )
    expect(await verify([['r1/hook{"amount":1}']], '')).toBe('SIGNATURE_MISMATCH')
    expect(await verify('', ['r1/hook{"amount":1}'])).toBe('SIGNATURE_MISMATCH')
  })

  it('are texts in the result', async () => {
    const headers = {
      ...(await signed()),
      'webhook-id': [['msg_1']],
      'content-length': 2,
      'x-other': { a: 1 },
      'x-none': null,
    }
    expect((await verifier().verify({ headers: headers as never, body })).eventId).toBe('msg_1')
    const hub = new Verifier({ scheme: github, secret: 'a-shared-secret' })
    const mac = createHmac('sha256', 'a-shared-secret').update(body).digest('hex')
    const wrapped = { 'x-hub-signature-256': `sha256=${mac}`, 'x-github-event': [['push']], 'x-github-delivery': [[1]] }
    expect(await hub.verify({ headers: wrapped as never, body })).toMatchObject({ type: 'push', eventId: '1' })
  })
})

describe('what is wrong with a header', () => {
  it.each([
    [{ 'webhook-id': '' }, 'The header webhook-id is missing.'],
    [{ 'webhook-id': 'x'.repeat(4097) }, 'The header webhook-id is too long.'],
    [{ 'webhook-id': ['a', 'b'] }, 'The header webhook-id was sent twice.'],
    [{ 'x-many': Array.from({ length: 2001 }, () => '') }, 'The header x-many is one too many.'],
  ])('is said with its name', async (changed, message) => {
    const headers = { ...(await signed()), ...changed }
    await expect(verifier().verify({ headers, body })).rejects.toMatchObject({ message })
  })
})

describe('a header that was sent twice, first without a value', () => {
  it('is refused in whatever form', async () => {
    const headers = await signed()
    const rest = Object.entries(headers)
    const twice = new Headers([['webhook-id', ''], ...rest])
    expect(await codeFor(twice)).toBe('HEADER_DUPLICATE')
    for (const form of [
      { ...headers, 'webhook-id': ['', 'msg_1'] },
      { 'Webhook-Id': '', ...headers },
      [['webhook-id', ''], ...rest],
      ['webhook-id', '', ...rest.flat()],
    ])
      expect(await codeFor(form)).toBe('HEADER_DUPLICATE')
  })
})

describe('a record of headers', () => {
  it('may have 2,000 fields, those that are read among them', async () => {
    const others = Array.from({ length: 1997 }, (_, index) => [`x-${index}`, ''] as const)
    const pairs = [...others, ...Object.entries(await signed())]
    expect(pairs).toHaveLength(2000)
    for (const headers of [pairs, Object.fromEntries(pairs), pairs.flat()])
      expect((await verifier().verify({ headers, body })).eventId).toBe('msg_1')
  })

  it('may have one that is named as an index is', async () => {
    expect((await verifier().verify({ headers: { '0': 'x', ...(await signed()) }, body })).eventId).toBe('msg_1')
  })
})

function* endlessPairs(): Generator<readonly [string, string]> {
  for (let index = 0; index < 1_000_000; index++) yield ['x', 'y']
  throw new Error('read to the end')
}

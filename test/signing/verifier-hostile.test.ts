import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PosthornError } from '../../src/domain/error.ts'
import { ipaScheme } from '../../src/signing/schemes/ipa.ts'
import type { Verifier } from '../../src/signing/verifier.ts'
import type { VerifyInput } from '../../src/signing/verify-input.ts'
import { runs } from '../support/runs.ts'
import { body, codeOf, nowSeconds, signed, verifier } from './messages.ts'

const verifiers = [verifier(), verifier({ scheme: ipaScheme })]

async function rejection(each: Verifier, input: unknown): Promise<unknown> {
  return each.verify(input as VerifyInput).then(
    () => 'it was accepted',
    (reason: unknown) => reason,
  )
}

const throwing = (names: readonly string[]) =>
  Object.defineProperties(
    {},
    Object.fromEntries(names.map((name) => [name, { enumerable: true, get: () => fail(`getter ${name}`) }])),
  )

function fail(message: string): never {
  throw new Error(message)
}

const proxies = [
  new Proxy(
    {},
    {
      get: () => fail('get'),
      has: () => true,
      ownKeys: () => fail('ownKeys'),
      getPrototypeOf: () => fail('getPrototypeOf'),
    },
  ),
  new Proxy({}, { ownKeys: () => fail('ownKeys') }),
  new Proxy([], { get: () => fail('get') }),
]

describe('Verifier against hostile input', () => {
  it('throws nothing but PosthornError for any input', async () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withBoxedValues: true,
    })
    const name = fc.constantFrom(
      'webhook-id',
      'Webhook-Timestamp',
      'webhook-signature',
      'x-ipa-signature',
      'X-IPA-Event',
      '__proto__',
      'toString',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', `${nowSeconds}`, 'v1,', 'v1,AAAA', 'a, b', '\0'),
    )
    const value = fc.oneof(text, fc.array(text, { maxLength: 3 }), anything)
    const pairs = fc.array(fc.tuple(name, value), { maxLength: 6 })
    const headers = fc.oneof(
      anything,
      pairs,
      pairs.map((entries) => new Map(entries)),
      pairs.map((entries) => Object.fromEntries(entries)),
      pairs.map((entries) => entries.flat()),
    )
    const bodies = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array(), anything)
    const input = fc.oneof(anything, fc.record({ headers, body: bodies }), fc.record({ headers }))
    await fc.assert(
      fc.asyncProperty(input, async (garbage) => {
        for (const each of verifiers) expect(await rejection(each, garbage)).toBeInstanceOf(PosthornError)
      }),
      { numRuns: runs(3000) },
    )
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 1],
    ['a text', 'POST / HTTP/1.1'],
    ['a symbol', Symbol('input')],
    ['a function', () => {}],
    ['a Promise of a request', Promise.resolve(new Request('https://example.com'))],
    ['headers alone that throw', throwing(['headers'])],
  ])('answers VALIDATION_FAILED to %s', async (_, input) => {
    expect(await codeOf(verifier().verify(input as VerifyInput))).toBe('VALIDATION_FAILED')
  })

  it('survives members that throw where they are read', async () => {
    const headers = await signed()
    const detached = new Uint8Array([1]).buffer
    structuredClone(detached, { transfer: [detached] })
    const inputs = [
      throwing(['headers', 'body']),
      Object.defineProperty({ headers }, 'body', { get: () => fail('body') }),
      { headers: throwing(['webhook-id']), body },
      { headers: { [Symbol.iterator]: () => fail('iterator') }, body },
      { headers: { [Symbol.iterator]: 7 }, body },
      { headers, body: detached },
      { headers, arrayBuffer: () => {}, bodyUsed: false },
      {
        headers,
        arrayBuffer: () => {},
        get bodyUsed() {
          return fail('bodyUsed')
        },
      },
      { headers, arrayBuffer: () => {}, bodyUsed: false, body: { getReader: () => fail('getReader') } },
      { headers, arrayBuffer: () => {}, bodyUsed: false, body: { getReader: () => ({}) } },
      {
        headers: new Headers(headers),
        arrayBuffer: () => {},
        bodyUsed: false,
        body: { getReader: () => ({ read: () => 7 }) },
      },
      ...proxies,
      ...proxies.map((proxy) => ({ headers: proxy, body })),
      ...proxies.map((proxy) => ({ headers, body: proxy })),
    ]
    for (const input of inputs) expect(await rejection(verifier(), input)).toBeInstanceOf(PosthornError)
  })

  it.each([null, 'text', { sginal: AbortSignal.timeout(1) }])(
    'refuses the options %j with its own error',
    async (options) => {
      const refused = verifier().verify({ headers: {}, body }, options as never)
      await expect(refused).rejects.toMatchObject({ name: 'PosthornError', code: 'VALIDATION_FAILED' })
    },
  )
})

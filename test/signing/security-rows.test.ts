import { createHash, createHmac } from 'node:crypto'
import { stripe } from 'posthorn/schemes'
import { describe, expect, it } from 'vitest'
import type { Content } from '../../src/signing/crypto-seam.ts'
import { hexSecret } from '../../src/signing/hex-secret.ts'
import type { Scheme } from '../../src/signing/scheme.ts'
import { standardWebhooks } from '../../src/signing/schemes/standard-webhooks.ts'
import { Signer } from '../../src/signing/signer.ts'
import { textSecret } from '../../src/signing/text-secret.ts'
import { Verifier } from '../../src/signing/verifier.ts'
import type { VerifyInput } from '../../src/signing/verify-input.ts'
import { body, clock, codeOf, nowSeconds, secret, signed, thrownBy, verifier } from './messages.ts'
import { schemeOf, signedRequests } from './schemes/requests.ts'

// The known mistakes that have many values: each value, in each place where it may stand.

const noText = [undefined, null, '', '   ', 'undefined', 'null']
const cutOff = ['whsec_', 'whsec_!!!!', 'whsec_QQ==']

const withSecrets = signedRequests
  .filter((request) => request.secret !== undefined)
  .map((request) => ({ name: request.name, right: request.secret, scheme: schemeOf(request) }))

/** The values that are no secret of a scheme; a token is whatever text its owner chose. */
const noSecretsOf = ({ name }: Scheme) => (name === 'gitlab-token' ? noText : [...noText, ...cutOff])

describe('a secret that is none', () => {
  it.each(withSecrets)('case 26: is refused by a verifier of $name: alone, in a list, with a name', (request) => {
    const { scheme, right } = request
    for (const given of noSecretsOf(scheme)) {
      for (const all of [given, [right, given], { secret: given, id: 'a' }]) {
        const error = thrownBy(() => new Verifier({ secret: all as string, scheme }))
        expect(error, String(given)).toMatchObject({ code: 'SECRET_INVALID' })
      }
    }
  })

  it.each(withSecrets.filter(({ scheme }) => scheme.writeHeaders !== null))(
    'case 26: is refused by a signer of $name: alone, in a list',
    ({ scheme }) => {
      for (const given of noSecretsOf(scheme)) {
        for (const all of [given, [given]]) {
          const error = thrownBy(() => new Signer({ secret: all as string, scheme }))
          expect(error, String(given)).toMatchObject({ code: 'SECRET_INVALID' })
        }
      }
    },
  )

  it('case 26: is not one that is short where the receiver brings a reader of its own', async () => {
    const short = { ...standardWebhooks, readSecret: textSecret }
    const headers = await new Signer({ secret: 'short', scheme: short, clock }).sign({ id: 'msg_1', body })
    expect((await verifier({ secret: 'short', scheme: short }).verify({ headers, body })).eventId).toBe('msg_1')
    expect(() => verifier({ secret: 'whsec_eight_ch', scheme: short })).not.toThrow()
    expect(thrownBy(() => verifier({ secret: 'whsec_seven_c', scheme: short }))).toMatchObject({
      message: expect.stringContaining('cut off') as string,
    })
  })
})

const hexOf = (content: string) => createHmac('sha256', 'a-shared-secret').update(content).digest('hex')
const stripeSignature = hexOf(`${nowSeconds}.${body}`)

describe('a flood of signatures', () => {
  const many = Array.from({ length: 200_000 }, () => 'v1,A')
  /** How long it takes to split such a flood and decode each of it. */
  const readAll = () => {
    const text = many.join(' ')
    const start = performance.now()
    const decoded = text.split(' ').map((one) => Buffer.from(one.slice(3), 'base64'))
    expect(decoded).toHaveLength(many.length)
    return performance.now() - start
  }
  const header = 'webhook-signature'
  const rest = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(nowSeconds) }
  const pairs = Object.entries(rest)
  const floods: readonly (readonly [form: string, scheme: Scheme, headers: VerifyInput['headers']])[] = [
    ['a text of 200,000 candidates', standardWebhooks, { ...rest, [header]: many.join(' ') }],
    ['a text of one megabyte', standardWebhooks, { ...rest, [header]: `v1,${'A'.repeat(1_000_000)}` }],
    ['a fetch Headers', standardWebhooks, new Headers({ ...rest, [header]: many.join(' ') })],
    ['a list of 200,000 values', standardWebhooks, { ...rest, [header]: many }],
    ['a Map', standardWebhooks, new Map<string, string | string[]>([...pairs, [header, many]])],
    ['200,000 pairs', standardWebhooks, [...pairs, ...many.map((one) => [header, one] as const)]],
    ['rawHeaders', standardWebhooks, [...pairs.flat(), ...many.flatMap((one) => [header, one])]],
    ['200,000 parameters', stripe, { 'stripe-signature': `t=${nowSeconds}${',v1=aa'.repeat(200_000)}` }],
    ['one parameter of a megabyte', stripe, { 'stripe-signature': `t=${nowSeconds},v1=${'a'.repeat(1_000_000)}` }],
  ]

  it.each(floods)('case 36: as %s is refused without reading it all', async (_form, scheme, headers) => {
    const judge = new Verifier({ secret, scheme, clock })
    const refusalMs: number[] = []
    const readingMs: number[] = []
    for (let run = 0; run < 30; run++) {
      const start = performance.now()
      expect(await codeOf(judge.verify({ headers, body }))).toBe('HEADER_INVALID')
      refusalMs.push(performance.now() - start)
      if (run % 10 === 0) readingMs.push(readAll())
    }
    // The quickest of each, because other processes run beside them.
    expect(Math.min(...refusalMs)).toBeLessThan(Math.min(...readingMs) / 20)
  })

  it('case 36: is what is longer than 4,096 characters, however few signatures it has', async () => {
    const headers = await signed()
    const padded = (length: number) => `${headers[header]} v9,`.padEnd(length, 'x')
    expect((await verifier().verify({ headers: { ...headers, [header]: padded(4096) }, body })).eventId).toBe('msg_1')
    const tooLong = { ...headers, [header]: padded(4097) }
    expect(await codeOf(verifier().verify({ headers: tooLong, body }))).toBe('HEADER_INVALID')
  })

  it('case 36: is more than 16 parameters, and up to that each key signs once', async () => {
    let signings = 0
    const counted: Scheme = {
      ...stripe,
      signedContent(message) {
        const parts = stripe.signedContent(message) as Content // it lays out at once
        return Object.assign([...parts], {
          [Symbol.iterator]() {
            signings++
            return parts[Symbol.iterator]()
          },
        })
      },
    }
    const judge = new Verifier({ secret: ['another', 'a-shared-secret'], scheme: counted, clock })
    const withWrong = (count: number) => ({
      'stripe-signature': `t=${nowSeconds}${`,v1=${'0'.repeat(64)}`.repeat(count)},v1=${stripeSignature}`,
    })
    expect((await judge.verify({ headers: withWrong(15), body })).keyIndex).toBe(1)
    expect(signings).toBe(2)
    expect(await codeOf(judge.verify({ headers: withWrong(16), body }))).toBe('HEADER_INVALID')
    expect(signings).toBe(2)
  })
})

describe('secrets that are one key', () => {
  const long = 'k'.repeat(65)
  const hashOfLong = createHash('sha256').update(long).digest('hex')
  const inHex = { ...standardWebhooks, readSecret: hexSecret }
  const asText = { ...standardWebhooks, readSecret: textSecret }
  const hexKey = '0123456789abcdef'.repeat(2)

  // HMAC fills keys up with zero bytes to 64, and takes the hash of longer ones (RFC 2104).
  it.each<readonly [why: string, scheme: Scheme, one: string, same: string]>([
    ['with a zero byte behind it', inHex, hexKey, `${hexKey}00`],
    ['with two zero bytes behind it', inHex, hexKey, `${hexKey}0000`],
    ['filled up to 64 bytes', inHex, hexKey, hexKey.padEnd(128, '0')],
    ['in capitals', inHex, hexKey, hexKey.toUpperCase()],
    ['as text with two zero bytes behind it', asText, 'key', 'key\0\0'],
    ['longer than 64 bytes, as its hash', inHex, Buffer.from(long).toString('hex'), hashOfLong],
    ['longer than 64 bytes, as its hash and a zero byte', inHex, Buffer.from(long).toString('hex'), `${hashOfLong}00`],
  ])('case 56: count once for a signer and for a verifier: one %s', async (_, scheme, one, same) => {
    const sign = (given: string | readonly string[]) =>
      new Signer({ secret: given, scheme, clock }).sign({ id: 'msg_1', body })
    const headers = await sign([one, same])
    expect(headers).toEqual(await sign(one))
    expect(headers).toEqual(await sign(same))
    for (const list of [
      [one, same],
      [same, one],
    ]) {
      expect((await verifier({ secret: list, scheme }).verify({ headers, body })).keyIndex).toBe(0)
    }
    // The first in the list says until when.
    const ended = [{ secret: one, notAfter: new Date(0) }, same]
    expect(await codeOf(verifier({ secret: ended, scheme }).verify({ headers, body }))).toBe('KEY_EXPIRED')
  })

  it('case 56: are two where one has 64 bytes and the other is its hash', async () => {
    const key = '6b'.repeat(64)
    const hash = createHash('sha256').update('k'.repeat(64)).digest('hex')
    const { 'webhook-signature': signature } = await new Signer({ secret: [key, hash], scheme: inHex, clock }).sign({
      id: 'msg_1',
      body,
    })
    expect(signature?.split(' ')).toHaveLength(2)
  })
})

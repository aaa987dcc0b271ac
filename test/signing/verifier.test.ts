import { createHmac } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Content } from '../../src/signing/crypto-seam.ts'
import type { Scheme } from '../../src/signing/scheme.ts'
import { ipaScheme } from '../../src/signing/schemes/ipa.ts'
import { standardWebhooks } from '../../src/signing/schemes/standard-webhooks.ts'
import { Verifier, type VerifierOptions } from '../../src/signing/verifier.ts'
import type { VerifyInput } from '../../src/signing/verify-input.ts'
import { body, codeOf, nowMs, nowSeconds, otherSecret, secret, signed, thrownBy, utf8, verifier } from './messages.ts'
import vectors from './vectors.json' with { type: 'json' }

/** Signs any text as timestamp, as a careless sender with the right key would. */
function signedAt(timestamp: string, id = 'msg_1'): Record<string, string> {
  const key = Buffer.from(secret.slice(6), 'base64')
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${mac}` }
}

const codeFor = (headers: unknown, options: Partial<VerifierOptions> = {}, given: unknown = body) =>
  codeOf(verifier(options).verify({ headers, body: given } as VerifyInput))

describe('Verifier id', () => {
  it('case 35: refuses a full stop, which would let the id end elsewhere', async () => {
    // The attack: the same bytes are signed, divided differently.
    const { 'webhook-signature': signature = '' } = signedAt(String(nowSeconds), 'm')
    const shifted = {
      'webhook-id': `m.${nowSeconds}`,
      'webhook-timestamp': String(nowSeconds),
      'webhook-signature': signature,
    }
    expect(await codeFor(shifted)).toBe('HEADER_INVALID')
    expect(await codeFor(signedAt(String(nowSeconds), 'with.dot'))).toBe('HEADER_INVALID')
  })

  it('accepts a full stop where the receiver asked for it', async () => {
    const input = { headers: signedAt(String(nowSeconds), 'with.dot'), body }
    expect((await verifier({ acceptsDottedIds: true }).verify(input)).eventId).toBe('with.dot')
  })

  it.each(['a b', 'é', '\u0000', 'a\r\n'])('refuses %j', async (id) => {
    expect(await codeFor(signedAt(String(nowSeconds), id))).toBe('HEADER_INVALID')
  })
})

describe('Verifier signature', () => {
  const good = async () => (await signed())['webhook-signature'] ?? ''

  it.each([
    'v1',
    'v1,',
    ',',
    'v1,,',
    ' ',
    'v1,dawfeoifkpqwoekfpqoekf',
    'v1,!!!!',
    `v1,é${'a'.repeat(43)}`,
    `v1,${'A'.repeat(44)}`,
    `v1,${'A'.repeat(42)}==`,
    'v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    'g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    `v1,${Buffer.alloc(64).toString('base64')}`,
  ])('case 10: refuses %s', async (signature) => {
    expect(await codeFor({ ...(await signed()), 'webhook-signature': signature })).toBe('SIGNATURE_MISMATCH')
  })

  it('case 10: refuses the right signature written in another way', async () => {
    const right = await good()
    const spareBits = right.slice(0, -2) + String.fromCharCode(right.charCodeAt(right.length - 2) + 1) + '='
    const variants = [
      right.slice(0, -1), // without padding
      `${right}!!!!`,
      `${right}=`,
      right.replaceAll('+', '-').replaceAll('/', '_').replace(/=$/, ''),
      right.slice(0, 8),
      right.toLowerCase(),
      right.replace('v1,', 'V1,'),
      right.replace('v1,', 'v1='),
      right.replace('v1,', 'v2,'),
      right.replace('v1,', 'v1a,'),
      spareBits,
    ]
    for (const signature of variants) {
      expect(await codeFor({ ...(await signed()), 'webhook-signature': signature })).toBe('SIGNATURE_MISMATCH')
    }
  })

  it('finds the right one among others, wherever it stands', async () => {
    const right = await good()
    const wrong = 'v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc='
    const other = right.replace('v1,', 'v2,')
    for (const list of [
      [wrong, other, right, other],
      [right, wrong],
      [wrong, wrong, right],
    ]) {
      const headers = { ...(await signed()), 'webhook-signature': list.join(' ') }
      expect((await verifier().verify({ headers, body })).eventId).toBe('msg_1')
    }
    expect(await codeFor({ ...(await signed()), 'webhook-signature': `${wrong} ${other}` })).toBe('SIGNATURE_MISMATCH')
  })

  it('case 36: accepts 16 candidates and refuses 17, before any cryptography', async () => {
    const filler = 'v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= '
    const headers = { ...(await signed()), 'webhook-signature': filler.repeat(15) + (await good()) }
    expect((await verifier().verify({ headers, body })).eventId).toBe('msg_1')
    expect(await codeFor({ ...headers, 'webhook-signature': filler.repeat(16) + (await good()) })).toBe(
      'HEADER_INVALID',
    )
  })

  it('refuses a megabyte of candidates without reading them', async () => {
    const headers = { ...(await signed()), 'webhook-signature': 'v1,A '.repeat(200_000) }
    await codeFor(headers)
    const times = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const start = performance.now()
        expect(await codeFor(headers)).toBe('HEADER_INVALID')
        return performance.now() - start
      }),
    )
    // Under 1 ms when nothing else runs; splitting and decoding the list would take tens.
    expect(Math.min(...times)).toBeLessThan(5)
  })

  it('case 36: signs once for each key, however many candidates there are', async () => {
    let signings = 0
    const counted: Scheme = {
      ...standardWebhooks,
      signedContent: (message) => {
        const parts = standardWebhooks.signedContent(message) as Content // it lays out at once
        const iterate = () => {
          signings++
          return parts[Symbol.iterator]()
        }
        return Object.assign([...parts], { [Symbol.iterator]: iterate })
      },
    }
    const filler = 'v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= '
    const headers = { ...(await signed()), 'webhook-signature': filler.repeat(15) + (await good()) }
    await verifier({ scheme: counted, secret: [otherSecret, secret] }).verify({ headers, body })
    expect(signings).toBe(2)
  })

  it('case 29: accepts no HMAC keyed with a public key, and takes no ed25519 key for an HMAC key', async () => {
    const vector = vectors.vectors.find(({ scheme }) => scheme === 'standard-webhooks/v1a')
    const publicKey = vector?.publicKey ?? ''
    for (const key of [Buffer.from(publicKey), Buffer.from(publicKey.slice(5), 'base64')]) {
      const mac = createHmac('sha256', key).update(`msg_1.${nowSeconds}.${body}`).digest('base64')
      expect(await codeFor({ ...(await signed()), 'webhook-signature': `v1,${mac}` })).toBe('SIGNATURE_MISMATCH')
    }
    expect(thrownBy(() => new Verifier({ secret: vector?.privateKey }))).toMatchObject({ code: 'SECRET_INVALID' })
    const v1a = {
      'webhook-id': vector?.id,
      'webhook-timestamp': vector?.timestamp,
      'webhook-signature': vector?.signature,
    }
    const options = { clock: () => Number(vector?.timestamp) * 1000 }
    expect(await codeFor(v1a, options, vector?.body)).toBe('SIGNATURE_MISMATCH')
    const asV1 = { ...v1a, 'webhook-signature': vector?.signature?.replace('v1a,', 'v1,') }
    expect(await codeFor(asV1, { ...options, secret: publicKey }, vector?.body)).toBe('SIGNATURE_MISMATCH')
    const trusting = new Verifier({ ...options, secret: publicKey })
    expect((await trusting.verify({ headers: v1a, body: vector?.body ?? '' })).keyIndex).toBe(0)
  })
})

describe('Verifier time', () => {
  it.each([
    [-300, 'accepted'],
    [-301, 'TIMESTAMP_TOO_OLD'],
    [0, 'accepted'],
    [300, 'accepted'],
    [301, 'TIMESTAMP_TOO_NEW'],
  ])('case 21: %i seconds from now is %s', async (offset, expected) => {
    const input = { headers: signedAt(String(nowSeconds + offset)), body }
    const late = verifier({ clock: () => nowMs + 999 })
    for (const each of [verifier(), late]) {
      const answer = await each.verify(input).then(
        () => 'accepted',
        (error: unknown) => (error as { code: string }).code,
      )
      expect(answer).toBe(expected)
    }
  })

  it('case 21: limits age and future separately', async () => {
    const old = { headers: signedAt('1'), body }
    const future = { headers: signedAt('99999999999'), body }
    expect((await verifier({ maxAgeMs: false }).verify(old)).timestamp).toEqual(new Date(1000))
    expect(await codeOf(verifier({ maxAgeMs: false }).verify(future))).toBe('TIMESTAMP_TOO_NEW')
    expect((await verifier({ maxFutureMs: false }).verify(future)).timestamp).toEqual(new Date(99_999_999_999_000))
    expect(await codeOf(verifier({ maxFutureMs: false }).verify(old))).toBe('TIMESTAMP_TOO_OLD')
    expect(await codeFor(signedAt(String(nowSeconds - 11)), { maxAgeMs: 10_000 })).toBe('TIMESTAMP_TOO_OLD')
    expect(await codeFor(signedAt(String(nowSeconds + 11)), { maxFutureMs: 10_000 })).toBe('TIMESTAMP_TOO_NEW')
  })

  it.each([
    ' ',
    'abc',
    'NaN',
    '1e9',
    '0x10',
    '+5',
    '-1',
    '1.5',
    `${nowSeconds}zz`,
    'Infinity',
    '1'.repeat(16),
    '9'.repeat(400),
  ])('case 19: refuses %j even when signed and any time is accepted', async (timestamp) => {
    expect(await codeFor(signedAt(timestamp), { maxAgeMs: false, maxFutureMs: false })).toBe('TIMESTAMP_INVALID')
  })

  it.each([`${nowSeconds}\n`, '٣'])('case 19: refuses %j, which is not what headers are made of', async (timestamp) => {
    expect(await codeFor(signedAt(timestamp), { maxAgeMs: false, maxFutureMs: false })).toBe('HEADER_INVALID')
  })

  it('case 22: refuses milliseconds with a hint, and never guesses', async () => {
    const anyTime = { maxAgeMs: false, maxFutureMs: false } as const
    expect(await codeFor(signedAt(String(nowMs)), anyTime)).toBe('TIMESTAMP_UNIT')
    await expect(verifier().verify({ headers: signedAt(String(nowMs)), body })).rejects.toThrow('must be in seconds')
  })

  it('case 24: verifies the text as it was received, not the number', async () => {
    const headers = signedAt(String(nowSeconds))
    expect(await codeFor({ ...headers, 'webhook-timestamp': `0${nowSeconds}` })).toBe('SIGNATURE_MISMATCH')
    expect((await verifier().verify({ headers: signedAt(`0${nowSeconds}`), body })).timestamp).toEqual(new Date(nowMs))
  })

  it('accepts nothing when its clock is broken', async () => {
    expect(await codeFor(await signed(), { clock: () => Number.NaN })).toBe('TIMESTAMP_TOO_OLD')
  })
})

describe('Verifier body', () => {
  it.each([
    ['what JSON.parse would change', utf8('{"a":1.0,"b":"\\u00e9","d":12345678901234567890,"2":1,"1":2,"u":"\\/"}')],
    ['bytes that are no UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ['a byte order mark', new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d])],
    ['what a template could expand', utf8("$$ $& $1 {timestamp} {body} ${body} $`'")],
    ['nothing', new Uint8Array(0)],
  ])('cases 3, 4, 5, 6: verifies %s byte for byte', async (_, bytes) => {
    const headers = await signed({ body: bytes })
    const event = await verifier().verify({ headers, body: bytes })
    expect(event.rawBody).toEqual(bytes)
  })

  it('takes text, bytes, Buffers that are part of a pool, views and ArrayBuffers', async () => {
    const headers = await signed({ body: 'é' })
    const pool = Buffer.from('xéx')
    const view = new DataView(pool.buffer, pool.byteOffset + 1, 2)
    const forms = ['é', utf8('é'), pool.subarray(1, 3), view, utf8('é').buffer]
    for (const form of forms) {
      const event = await verifier().verify({ headers, body: form } as VerifyInput)
      expect([...event.rawBody]).toEqual([0xc3, 0xa9])
      expect(event.rawBody.constructor).toBe(Uint8Array)
    }
  })

  it.each([
    ['invalid bytes replaced', new Uint8Array([0x22, 0xff, 0x22]), new Uint8Array([0x22, 0xef, 0xbf, 0xbd, 0x22])],
    ['other invalid bytes', new Uint8Array([0x22, 0xff, 0x22]), new Uint8Array([0x22, 0xfe, 0x22])],
    ['the byte order mark lost', utf8('\ufeff{}'), utf8('{}')],
    ['Unicode composed', utf8('"e\u0301"'), utf8('"\u00e9"')],
    ['line ends changed', utf8('{\r\n}'), utf8('{\n}')],
    ['a line end added', utf8('{}'), utf8('{}\n')],
    ['white space changed', utf8('{"a":1}'), utf8('{"a": 1}')],
  ])('cases 4, 5, 7: refuses a body with %s', async (_, sent, received) => {
    expect(await codeFor(await signed({ body: sent }), {}, received)).toBe('SIGNATURE_MISMATCH')
  })

  it.each([
    ['a parsed object', { type: 'order.paid' }],
    ['a parsed list', [1]],
    ['nothing', undefined],
    ['null', null],
    ['a number', 1],
    ['a symbol', Symbol('x')],
    ['a stream', new ReadableStream()],
    ['a Blob', new Blob([body])],
  ])('case 3: asks for the raw body when given %s', async (_, given) => {
    const error: unknown = await verifier()
      .verify({ headers: await signed(), body: given } as unknown as VerifyInput)
      .catch((reason: unknown) => reason)
    const message = 'The body must be raw, neither read nor parsed: express.raw({ type: () => true }).'
    expect(error).toMatchObject({ code: 'RAW_BODY_REQUIRED', message })
  })

  it('refuses a body over its limit, in any form', async () => {
    const limited = { maxBodyBytes: 10 }
    for (const form of ['é'.repeat(6), utf8('x'.repeat(11)), utf8('x'.repeat(11)).buffer, 'x'.repeat(11)]) {
      expect(await codeFor(await signed({ body: '0123456789' }), limited, form)).toBe('BODY_TOO_LARGE')
    }
    const headers = await signed({ body: '0123456789' })
    expect((await verifier(limited).verify({ headers, body: '0123456789' })).eventId).toBe('msg_1')
    expect(await codeFor(await signed(), {}, 'x'.repeat(1_048_577))).toBe('BODY_TOO_LARGE')
  })

  it('is not changed by whoever holds the bytes that were passed', async () => {
    const bytes = utf8('{"amount":1}')
    const headers = await signed({ body: bytes })
    const event = await verifier().verify({ headers, body: bytes })
    bytes.set(utf8('{"amount":9}'))
    expect(event.payload).toEqual({ amount: 1 })
    expect(event.rawBody).toEqual(utf8('{"amount":1}'))
  })

  it('is not changed by those that are verified after it, and gives away no buffer with others in it', async () => {
    const bodies = Array.from({ length: 60 }, (_, index) =>
      utf8(JSON.stringify({ index, text: 'x'.repeat(index * 173) })),
    )
    const verifying = bodies.map(async (each) =>
      verifier().verify({ headers: await signed({ body: each }), body: each }),
    )
    const events = await Promise.all(verifying)
    for (const [index, event] of events.entries()) {
      expect(event.payload).toMatchObject({ index })
      expect(Buffer.from(event.rawBody).equals(bodies[index] ?? utf8('none'))).toBe(true)
      expect(event.rawBody.buffer.byteLength).toBe(bodies[index]?.length)
      expect(event.rawBody).toBe(event.rawBody)
    }
  })
})

describe('Verifier options', () => {
  const span = 'a whole number from 1, or false'
  it.each([
    ['maxAgeMs', 0, `${span}, not 0`],
    ['maxAgeMs', -1, `${span}, not -1`],
    ['maxAgeMs', Number.NaN, `${span}, not NaN`],
    ['maxAgeMs', Infinity, `${span}, not Infinity`],
    ['maxAgeMs', '300000', `${span}, not string`],
    ['maxAgeMs', null, `${span}, not object`],
    ['maxAgeMs', true, `${span}, not boolean`],
    ['maxFutureMs', 0, `${span}, not 0`],
    ['maxFutureMs', Number.NaN, `${span}, not NaN`],
    ['maxFutureMs', Infinity, `${span}, not Infinity`],
    ['maxFutureMs', 1.5, `${span}, not 1.5`],
    ['maxFutureMs', '', `${span}, not string`],
    ['maxBodyBytes', 0, 'a whole number from 1, not 0'],
    ['maxBodyBytes', Infinity, 'a whole number from 1, not Infinity'],
    ['maxBodyBytes', false, 'a whole number from 1, not boolean'],
    ['acceptsDottedIds', 'yes', 'a boolean, not string'],
    ['clock', nowMs, `a function, not ${nowMs}`],
    ['clock', null, 'a function, not object'],
    ['scheme', 'standard-webhooks', 'a Scheme, not string'],
    ['scheme', null, 'a Scheme, not object'],
    [
      'tolerance',
      0,
      'left out (it takes secret,scheme,maxBodyBytes,clock,maxAgeMs,maxFutureMs,acceptsDottedIds), not 0',
    ],
  ])('case 23: refuses %s: %s', (name, value, problem) => {
    const error = thrownBy(() => new Verifier({ secret, [name]: value }))
    expect(error).toBeInstanceOf(TypeError)
    expect(String(error)).toContain(`${name} must be ${problem}.`)
  })

  it('refuses what the scheme has no use for, even lifted', () => {
    const ipa = { secret, scheme: ipaScheme }
    const rest = 'must be left out (it takes secret,scheme,maxBodyBytes,clock)'
    expect(() => new Verifier({ ...ipa, maxAgeMs: 1000 })).toThrow(`Verifier for ipa: maxAgeMs ${rest}, not 1000.`)
    expect(() => new Verifier({ ...ipa, maxFutureMs: false })).toThrow(`Verifier for ipa: maxFutureMs ${rest}`)
    expect(() => new Verifier({ ...ipa, acceptsDottedIds: true })).toThrow(`Verifier for ipa: acceptsDottedIds ${rest}`)
  })

  it('takes what is undefined for left out, and then what the scheme says', async () => {
    const scheme: Scheme = { ...standardWebhooks, timestamp: { ...standardWebhooks.timestamp!, maxAgeMs: 1000 } }
    const late = verifier({ scheme, maxAgeMs: undefined, clock: () => nowMs + 2000 } as never)
    await expect(late.verify({ headers: await signed(), body })).rejects.toMatchObject({ code: 'TIMESTAMP_TOO_OLD' })
    expect(() => new Verifier({ secret, scheme: ipaScheme, maxAgeMs: undefined } as never)).not.toThrow()
  })

  it('shows no secret that was given under another name', () => {
    for (const name of ['Secret', 'scheme', 'maxAgeMs', 'clock'])
      for (const given of [secret, [secret], { secret }])
        expect(String(thrownBy(() => new Verifier({ secret, [name]: given })))).not.toContain(secret.slice(6))
  })

  it('shows no secret when printed', () => {
    const printed = inspect(verifier(), { depth: 10, showHidden: true }) + JSON.stringify(verifier())
    expect(printed).not.toContain(secret.slice(6))
  })
})

import * as schemes from 'posthorn/schemes'
import * as fetching from 'posthorn/schemes-fetching'
import { describe, expect, it } from 'vitest'
import { Signer } from '../../../src/signing/signer.ts'
import { codeOf, thrownBy } from '../messages.ts'
import { requestOf, schemeOf, signedRequests, verifierOf } from './requests.ts'

const noSchemes = [
  'base64',
  'hex',
  'defineHmacScheme',
  'isoTime',
  'milliseconds',
  'seconds',
  'standardSecret',
  'textSecret',
  'keyList',
]

const fromSecret = signedRequests.filter(({ secret }) => secret !== undefined)
// What can be given in several forms at once: an HMAC keyed by the text.
const sharedText = fromSecret.filter(({ secret }) => secret?.startsWith('a-shared-secret') === true)
const timed = signedRequests.filter((request) => schemeOf(request).timestamp !== null)
const signable = fromSecret.filter((request) => {
  const { writeHeaders, signature } = schemeOf(request)
  const isSymmetric = 'hmac-sha256' in signature.prefixes || 'hmac-sha1' in signature.prefixes
  return writeHeaders !== null && isSymmetric && request.name !== 'standardWebhooks v1a'
})

describe('the presets', () => {
  it('have a signed request each', () => {
    const names = [...Object.keys(schemes), ...Object.keys(fetching)].filter((name) => !noSchemes.includes(name))
    expect(new Set(signedRequests.map(({ scheme }) => scheme))).toEqual(new Set(names))
    expect(names.length).toBeGreaterThanOrEqual(45)
  })

  it('have names of their own', () => {
    const names = signedRequests.filter(({ name, scheme }) => name === scheme).map((request) => schemeOf(request).name)
    expect(new Set(names).size).toBe(names.length)
  })
})

describe.each(signedRequests)('$name', (request) => {
  const { input } = request

  it('verifies what the provider signs, and says what was proven', async () => {
    const scheme = schemeOf(request)
    const verified = await verifierOf(request).verify(input)
    const expected = scheme.timestamp === null ? (scheme.freshness ?? 'none') : 'signed'
    expect(verified).toMatchObject({ scheme: scheme.name, keyIndex: 0, covers: scheme.covers, freshness: expected })
    expect(verified.timestamp).toEqual(scheme.timestamp === null ? null : new Date(request.nowMs))
    expect(verified.eventId === null).toBe(scheme.eventId === null || request.name === 'twilio JSON')
    expect(scheme.covers.includes('timestamp')).toBe(scheme.timestamp !== null)
  })

  it('verifies the same as a fetch Request', async () => {
    const { headers, body, method = 'POST', url = '/' } = input
    const asRequest = new Request(new URL(url, 'https://internal.example'), { method, headers, body })
    expect((await verifierOf(request).verify(asRequest)).scheme).toBe(schemeOf(request).name)
  })

  it('refuses another body, unless its page says that the body is not covered', async () => {
    const { covers } = schemeOf(request)
    const other = { ...input, body: input.body.replace(/[\]}]\s*$|$/, (end) => ` ${end}`) }
    const outcome = await verifierOf(request)
      .verify(other)
      .catch((error: unknown) => error)
    expect(outcome).toMatchObject(
      covers.includes('body') || covers.includes('checksum') ? { code: 'SIGNATURE_MISMATCH' } : { covers },
    )
  })

  it('misses the signature', async () => {
    const headers = {}
    const body = schemeOf(request).isInBody ? '{}' : input.body
    expect(await codeOf(verifierOf(request).verify({ ...input, headers, body }))).toBe('HEADER_MISSING')
  })
})

describe.each(timed)('$name, which signs the time', (request) => {
  it('refuses what is too old or ahead, and accepts any age only with false', async () => {
    const { timestamp } = schemeOf(request)
    const late = (ms: number) => () => request.nowMs + ms
    const maxAgeMs = timestamp?.maxAgeMs ?? 300_000
    const maxFutureMs = timestamp?.maxFutureMs ?? 60_000
    const at = (ms: number) => verifierOf(request, { clock: late(ms) }).verify(request.input)
    expect((await at(maxAgeMs)).freshness).toBe('signed')
    expect(await codeOf(at(maxAgeMs + 1000))).toBe('TIMESTAMP_TOO_OLD')
    expect((await at(-maxFutureMs)).freshness).toBe('signed')
    expect(await codeOf(at(-maxFutureMs - 1000))).toBe('TIMESTAMP_TOO_NEW')
    const anyAge = verifierOf(request, { clock: late(1e10), maxAgeMs: false })
    expect((await anyAge.verify(request.input)).freshness).toBe('unchecked')
  })
})

describe.each(fromSecret)('$name, which takes a secret', (request) => {
  it.each([undefined, '', '   ', 'undefined', ` ${request.secret}`, `${request.secret}\n`, `"${request.secret}"`])(
    'refuses the secret %j',
    (secret) => {
      expect(thrownBy(() => verifierOf(request, { secret }))).toMatchObject({ code: 'SECRET_INVALID' })
    },
  )
})

describe.each(sharedText)('$name, which takes several secrets', (request) => {
  it('case 50: says which of them signed, wherever it stands', async () => {
    const other = 'z'.repeat(request.secret?.length ?? 0)
    for (const [secret, keyIndex, keyId] of [
      [[request.secret, other], 0, null],
      [[other, request.secret], 1, null],
      [[other, { secret: request.secret, id: '2026-01' }], 1, '2026-01'],
    ] as const) {
      expect(await verifierOf(request, { secret }).verify(request.input)).toMatchObject({ keyIndex, keyId })
    }
    expect(await codeOf(verifierOf(request, { secret: [other, `${other}y`.slice(1)] }).verify(request.input))).toBe(
      'SIGNATURE_MISMATCH',
    )
  })
})

describe.each(signable)('$name, which is symmetric', (request) => {
  it('case 57: verifies what Signer signs with the same definition', async () => {
    const { input, secret, nowMs } = request
    const scheme = schemeOf(request)
    const message = {
      id: 'msg_1',
      type: 'order.paid',
      timestamp: new Date(nowMs),
      headers: { ...input.headers, 'X-Hook0-Signature.h': 'content-type x-event-id' },
      body: input.body,
      ...(input.url === undefined ? {} : { url: input.url }),
    }
    const signed = await new Signer({ secret, scheme }).sign(message)
    expect(await verifierOf(request).verify({ ...input, headers: { ...input.headers, ...signed } })).toMatchObject({
      keyIndex: 0,
      scheme: scheme.name,
    })
  })
})

describe('a time that is ahead', () => {
  it.each(timed)('is accepted up to a minute by $name, or five where Standard Webhooks is spoken', async (request) => {
    const { covers, signature } = schemeOf(request)
    const isStandard = covers.includes('id') && /^(webhook|svix)-signature$/.test(signature.header)
    const limitMs = isStandard ? 300_000 : 60_000
    const ahead = (ms: number) => verifierOf(request, { clock: () => request.nowMs - ms }).verify(request.input)
    expect((await ahead(limitMs)).freshness).toBe('signed')
    expect(await codeOf(ahead(limitMs + 1000))).toBe('TIMESTAMP_TOO_NEW')
  })
})

describe('Signer', () => {
  it.each(['mailgun', 'adyen'])('refuses %s, whose signature is in the body', (name) => {
    const { secret } = requestOf(name)
    expect(() => new Signer({ secret, scheme: schemeOf(requestOf(name)) })).toThrow('can only be verified')
  })

  it.each(['discord', 'standardWebhooks v1a'])('refuses the public key of %s', (name) => {
    const { secret } = requestOf(name)
    expect(() => new Signer({ secret, scheme: schemeOf(requestOf(name)) })).toThrow('public key')
  })
})

describe('sendgrid', () => {
  it('refuses base64 that is no public key, with our error', () => {
    const request = requestOf('sendgrid')
    expect(thrownBy(() => verifierOf(request, { secret: 'QUFB'.repeat(40) }))).toMatchObject({ code: 'SECRET_INVALID' })
  })
})

import { createHmac } from 'node:crypto'
import { box, contentful, github, linear, mailgun, sentry, stripe, twilio } from 'posthorn/schemes'
import { describe, expect, it, vi } from 'vitest'
import { PosthornError } from '../../src/domain/error.ts'
import type { Scheme } from '../../src/signing/scheme.ts'
import { Signer } from '../../src/signing/signer.ts'
import { Verifier, type VerifierOptions } from '../../src/signing/verifier.ts'
import { body, clock, codeOf, nowMs, nowSeconds, otherSecret, secret, signed, verifier } from './messages.ts'
import { requestOf, verifierOf } from './schemes/requests.ts'

// What other providers' libraries got wrong, beside the cases in verifier.test.ts, verifier-headers.test.ts and secret.test.ts.

const text = 'a-shared-secret'
const hex = (content: string, key = text) => createHmac('sha256', key).update(content).digest('hex')
const codeFor = (
  scheme: Scheme,
  headers: Record<string, string>,
  given: string = body,
  options: Partial<VerifierOptions> = {},
) => codeOf(new Verifier({ secret: text, scheme, clock, ...options }).verify({ headers, body: given }))
const stripeHeader = (header: string) => ({ 'Stripe-Signature': header })
const right = hex(`${nowSeconds}.${body}`)

describe('a header of parameters', () => {
  it('case 17: is refused with two times, wherever they stand', async () => {
    for (const header of [`t=${nowSeconds},t=${nowSeconds},v1=${right}`, `t=${nowSeconds},v1=${right},t=1`]) {
      expect(await codeFor(stripe, stripeHeader(header))).toBe('HEADER_DUPLICATE')
    }
    // Sent as two headers, it arrives joined.
    const one = `t=${nowSeconds},v1=${right}`
    expect(await codeFor(stripe, stripeHeader(`${one}, ${one}`))).toBe('HEADER_DUPLICATE')
  })

  it('case 18: may have two signatures, the right one first or last', async () => {
    const wrong = '0'.repeat(64)
    for (const pair of [
      [right, wrong],
      [wrong, right],
    ]) {
      const header = `t=${nowSeconds},v1=${pair[0]},v1=${pair[1]}`
      const verified = await new Verifier({ secret: text, scheme: stripe, clock }).verify({
        headers: stripeHeader(header),
        body,
      })
      expect(verified.keyIndex).toBe(0)
    }
  })

  it('is refused without a time or a signature, with too many, and with an older version alone', async () => {
    expect(await codeFor(stripe, stripeHeader(`v1=${right}`))).toBe('HEADER_MISSING')
    expect(await codeFor(stripe, stripeHeader(`t=${nowSeconds}`))).toBe('HEADER_MISSING')
    expect(await codeFor(stripe, stripeHeader(`t=${nowSeconds},v0=${right}`))).toBe('HEADER_MISSING')
    expect(await codeFor(stripe, stripeHeader(`t=${nowSeconds}${`,v1=${right}`.repeat(17)}`))).toBe('HEADER_INVALID')
    expect(await codeFor(stripe, { 'stripe-signature.v1': right, 'stripe-signature.t': String(nowSeconds) })).toBe(
      'HEADER_MISSING',
    )
  })
})

describe('a weaker signature beside the right one', () => {
  it('case 32: is ignored: SHA-1 of GitHub where SHA-256 is missing or wrong', async () => {
    const sha1 = `sha1=${createHmac('sha1', text).update(body).digest('hex')}`
    expect(await codeFor(github, { 'X-Hub-Signature': sha1 })).toBe('HEADER_MISSING')
    expect(await codeFor(github, { 'X-Hub-Signature-256': sha1 })).toBe('SIGNATURE_MISMATCH')
    expect(await codeFor(github, { 'X-Hub-Signature': sha1, 'X-Hub-Signature-256': `sha256=${'0'.repeat(64)}` })).toBe(
      'SIGNATURE_MISMATCH',
    )
  })

  it('is ignored: another version or algorithm of Box', async () => {
    const { input } = requestOf('box')
    for (const changed of [{ 'box-signature-version': '2' }, { 'box-signature-algorithm': 'HmacSHA1' }]) {
      expect(
        await codeOf(verifierOf(requestOf('box')).verify({ ...input, headers: { ...input.headers, ...changed } })),
      ).toBe('HEADER_MISSING')
    }
    expect(box.signature.prefixes).toEqual({ 'hmac-sha256': '' })
  })
})

describe('a signature of a part of the body', () => {
  it('case 33: is refused where the rest was wrapped around it', async () => {
    const data = '{"issue":1}'
    expect(await codeFor(sentry, { 'Sentry-Hook-Signature': hex(data) }, `{"action":"created","data":${data}}`)).toBe(
      'SIGNATURE_MISMATCH',
    )
  })

  it('case 34: is visible where the provider signs no more', async () => {
    const { input } = requestOf('mailgun')
    const altered = { ...input, body: input.body.replace('opened', 'bounced') }
    expect((await verifierOf(requestOf('mailgun')).verify(altered)).covers).toEqual(['timestamp', 'token'])
    expect(mailgun.covers).not.toContain('body')
  })
})

describe('an unsigned time', () => {
  it('case 25: is never used for freshness, and reported', async () => {
    const headers = { 'Sentry-Hook-Signature': hex(body), 'Sentry-Hook-Timestamp': '1' }
    const verified = await new Verifier({ secret: text, scheme: sentry, clock }).verify({ headers, body })
    expect(verified).toMatchObject({ freshness: 'unsigned', timestamp: null })
    expect(() => new Verifier({ secret: text, scheme: sentry, maxAgeMs: 1000 })).toThrow(
      'Verifier for sentry: maxAgeMs must be left out',
    )
  })

  it('is not the one in the signed body, which is checked', async () => {
    const old = JSON.stringify({ webhookTimestamp: nowMs - 61_000 })
    const header = { 'Linear-Timestamp': String(nowMs) }
    expect(await codeFor(linear, { ...header, 'Linear-Signature': hex(old) }, old)).toBe('TIMESTAMP_TOO_OLD')
    expect(await codeFor(linear, { ...header, 'Linear-Signature': hex('{}') }, '{}')).toBe('TIMESTAMP_INVALID')
    expect(await codeFor(linear, { ...header, 'Linear-Signature': hex('no JSON') }, 'no JSON')).toBe(
      'TIMESTAMP_INVALID',
    )
    const inSeconds = JSON.stringify({ webhookTimestamp: nowSeconds })
    expect(await codeFor(linear, { ...header, 'Linear-Signature': hex(inSeconds) }, inSeconds)).toBe('TIMESTAMP_UNIT')
  })

  it('is read from no body before the signature is right', async () => {
    const parse = vi.spyOn(JSON, 'parse')
    try {
      const deep = '['.repeat(100_000)
      expect(await codeFor(linear, { 'Linear-Signature': '0'.repeat(64) }, deep)).toBe('SIGNATURE_MISMATCH')
      expect(parse).not.toHaveBeenCalled()
    } finally {
      parse.mockRestore()
    }
  })
})

describe('the list of signed headers', () => {
  it('must have the time, which could be changed otherwise', async () => {
    const key = 'k'.repeat(64)
    const headers = (names: string, lines: string) => ({
      'x-contentful-timestamp': String(nowMs),
      'x-contentful-signed-headers': names,
      'x-contentful-signature': hex(`POST\n/\n${lines}\n${body}`, key),
    })
    const codeOfList = (names: string, lines: string) =>
      codeOf(
        new Verifier({ secret: key, scheme: contentful, clock })
          .verify({ headers: headers(names, lines), body, url: '/' })
          .then(() => Promise.reject(new PosthornError('CONFLICT', 'It was accepted.'))),
      )
    const own = 'x-contentful-signed-headers'
    expect(await codeOfList(own, `${own}:${own}`)).toBe('SIGNATURE_MISMATCH')
    const both = `${own},x-contentful-timestamp`
    expect(await codeOfList(both, `${own}:${both};x-contentful-timestamp:${nowMs}`)).toBe('CONFLICT')
  })
})

describe('the public URL', () => {
  it('case 53: is the configured one, whatever the request says about its host', async () => {
    const { input } = requestOf('twilio')
    const forged = {
      ...input,
      url: 'https://evil.com/twilio?a=1',
      headers: { ...input.headers, 'X-Forwarded-Host': 'evil.com', Host: 'evil.com' },
    }
    expect((await verifierOf(requestOf('twilio')).verify(forged)).keyIndex).toBe(0)
    expect(await codeOf(verifierOf(requestOf('twilio')).verify({ ...input, url: '/twilio?a=2' }))).toBe(
      'SIGNATURE_MISMATCH',
    )
  })

  it.each(['', '/twilio', 'example.com', 'ftp://example.com', 'https://', undefined])(
    'must be a whole URL, not %j',
    (publicUrl) => {
      expect(() => twilio({ publicUrl: publicUrl as string })).toThrow('publicUrl')
    },
  )
})

describe('keys', () => {
  it('case 50: are told apart in the result, so that a rotation can be closed', async () => {
    const keys = [
      { secret: otherSecret, id: 'new' },
      { secret, id: 'old' },
    ]
    expect(await verifier({ secret: keys }).verify({ headers: await signed(), body })).toMatchObject({
      keyId: 'old',
      keyIndex: 1,
    })
  })

  it('case 51: are refused from their end on, also when they fit', async () => {
    const until = (ms: number) => verifier({ secret: [{ secret, notAfter: new Date(nowMs + ms) }, otherSecret] })
    const request = { headers: await signed(), body }
    expect((await until(1).verify(request)).keyIndex).toBe(0)
    expect(await codeOf(until(0).verify(request))).toBe('KEY_EXPIRED')
    for (const notAfter of [new Date(Number.NaN), null])
      expect(() => verifier({ secret: { secret, notAfter: notAfter as Date } })).toThrow(
        'secret 1 has no valid notAfter',
      )
  })

  it('are used with their own algorithm alone', async () => {
    const publicKey = requestOf('standardWebhooks v1a').secret ?? ''
    for (const key of [Buffer.from(publicKey), Buffer.from(publicKey.slice(5), 'base64')]) {
      const mac = createHmac('sha256', key).update(`msg_1.${nowSeconds}.${body}`).digest('base64')
      for (const version of ['v1', 'v1a']) {
        const headers = { ...(await signed()), 'webhook-signature': `${version},${mac}` }
        expect(await codeOf(verifier({ secret: publicKey }).verify({ headers, body }))).toBe('SIGNATURE_MISMATCH')
      }
    }
    expect(() => new Verifier({ secret: publicKey, scheme: github })).toThrow('of another scheme')
  })

  it('take no signature that is labelled as of another algorithm, though it would fit', async () => {
    const prefixes = { 'hmac-sha256': 'a=', token: 'b=' }
    const scheme: Scheme = { ...github, signature: { ...github.signature, prefixes } }
    expect(await codeFor(scheme, { 'X-Hub-Signature-256': `b=${hex(body)}` })).toBe('SIGNATURE_MISMATCH')
    const trusting = new Verifier({ secret: text, scheme, clock })
    expect((await trusting.verify({ headers: { 'X-Hub-Signature-256': `a=${hex(body)}` }, body })).keyIndex).toBe(0)
  })

  it('may sign elsewhere, such as in a KMS', async () => {
    const seen: Uint8Array[] = []
    const sign = (content: Uint8Array) => {
      seen.push(content)
      return Promise.resolve(new Uint8Array(64))
    }
    const headers = await new Signer({ secret: [secret, { algorithm: 'ed25519', sign }], clock }).sign({
      id: 'msg_1',
      body,
    })
    expect(Buffer.from(seen[0] ?? []).toString()).toBe(`msg_1.${nowSeconds}.${body}`)
    expect(headers['webhook-signature']).toMatch(/^v1,\S+ v1a,A{86}==$/)
    expect(() => new Signer({ secret: { algorithm: 'rsa-sha256', sign } })).toThrow('does not use')
  })

  it('of 64 bytes are refused where the public half is of another', async () => {
    const halves = Buffer.concat([Buffer.alloc(32, 1), Buffer.alloc(32, 2)]).toString('base64')
    const signer = new Signer({ secret: `whsk_${halves}` })
    expect(await codeOf(signer.sign({ id: 'msg_1', body }))).toBe('SECRET_INVALID')
  })
})

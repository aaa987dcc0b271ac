import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Content } from '../../src/signing/crypto-seam.ts'
import type { Scheme } from '../../src/signing/scheme.ts'
import type { RemoteKey } from '../../src/signing/signing-key.ts'
import { ipaScheme } from '../../src/signing/schemes/ipa.ts'
import { standardWebhooks } from '../../src/signing/schemes/standard-webhooks.ts'
import { Signer, type SignerOptions, type SignInput } from '../../src/signing/signer.ts'
import {
  body,
  clock,
  codeOf,
  nowMs,
  nowSeconds,
  otherSecret,
  secret,
  signed,
  thirdSecret,
  thrownBy,
  utf8,
} from './messages.ts'
import vectors from './vectors.json' with { type: 'json' }

describe('Signer', () => {
  it.each(vectors.vectors.filter(({ scheme }) => scheme === 'standard-webhooks/v1'))(
    'makes the vector of $source',
    async (vector) => {
      const timestamp = new Date(Number(vector.timestamp) * 1000)
      const signer = new Signer({ secret: vector.secret ?? '' })
      for (const bodyForm of [vector.body, utf8(vector.body), Buffer.from(vector.body)]) {
        expect(await signer.sign({ id: vector.id, timestamp, body: bodyForm })).toEqual({
          'webhook-id': vector.id,
          'webhook-timestamp': vector.timestamp,
          'webhook-signature': vector.signature,
        })
      }
    },
  )

  // An unhandled rejection would fail the run.
  it('leaves no key alone with what it rejects with, where another one throws at once', async () => {
    // Its public half is checked, which takes a promise.
    const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
    const halves = Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')])
    const broken = { ...standardWebhooks, signedContent: () => [null as unknown as string] } // as a scheme in JavaScript could
    const signer = new Signer({ secret: [`whsk_${halves.toString('base64')}`, secret], scheme: broken })
    await expect(signer.sign({ id: 'msg_1', body: '{}' })).rejects.toThrow(TypeError)
    await new Promise((resolve) => setImmediate(resolve))
  })

  it('signs with every secret, newest first', async () => {
    const both = await signed({}, [secret, otherSecret, thirdSecret])
    const alone = await Promise.all([secret, otherSecret, thirdSecret].map((one) => signed({}, one)))
    expect(both['webhook-signature']).toBe(alone.map((headers) => headers['webhook-signature']).join(' '))
  })

  it('case 56: writes one signature for secrets that are the same key', async () => {
    const zeroPadded = `whsec_${Buffer.concat([Buffer.from(secret.slice(6), 'base64'), Buffer.alloc(2)]).toString('base64')}`
    expect(await signed({}, [secret, secret.slice(6), zeroPadded])).toEqual(await signed({}, secret))
  })

  it('sends the time of its clock, in whole seconds', async () => {
    const signer = new Signer({ secret, clock: () => nowMs + 999 })
    expect((await signer.sign({ id: 'msg_1', body }))['webhook-timestamp']).toBe(String(nowSeconds))
  })

  it('takes the real time unless given a clock', async () => {
    const before = Math.floor(Date.now() / 1000)
    const sent = Number((await new Signer({ secret }).sign({ id: 'msg_1', body }))['webhook-timestamp'])
    expect(sent).toBeGreaterThanOrEqual(before)
    expect(sent).toBeLessThanOrEqual(Date.now() / 1000)
  })

  it.each(['', 'm.1700000000', 'a b', 'a,b', 'a\r\nx: y', 'é', 'a\0', '\x7f', 'x'.repeat(257), undefined, 7])(
    'case 35: refuses the id %j',
    async (id) => {
      expect(await codeOf(signed({ id: id as string }))).toBe('VALIDATION_FAILED')
    },
  )

  it.each([
    ['an invalid Date', new Date(Number.NaN)],
    ['a time before 1970', new Date(-1)],
    ['a time whose seconds look like milliseconds', new Date(1e14)],
    ['a number', nowMs],
    ['a string', '1700000000'],
    ['null', null],
  ])('refuses %s as timestamp', async (_, timestamp) => {
    expect(await codeOf(signed({ timestamp: timestamp as Date }))).toBe('VALIDATION_FAILED')
  })

  it('refuses to sign at the time of a broken clock', async () => {
    const signer = new Signer({ secret, clock: () => Number.NaN })
    expect(await codeOf(signer.sign({ id: 'msg_1', body }))).toBe('VALIDATION_FAILED')
  })

  it.each([[{ a: 1 }], [undefined], [null], [3]])('refuses the body %j', async (wrongBody) => {
    expect(await codeOf(signed({ body: wrongBody } as unknown as SignInput))).toBe('VALIDATION_FAILED')
  })

  it('says which part cannot be signed, without quoting it', async () => {
    await expect(signed({ id: 'with.dot' })).rejects.toMatchObject({
      issues: [{ path: 'id', message: expect.stringContaining('full stop') }],
      message: expect.not.stringContaining('with.dot'),
    })
  })

  it.each([
    ['an unknown option', { secret, secrets: [] }, 'secrets must be left out'],
    ['a scheme by name', { secret, scheme: 'ipa' }, 'scheme must be a Scheme, not string'],
    ['a scheme that is null', { secret, scheme: null }, 'not object'],
    ['a scheme without signature', { secret, scheme: { ...ipaScheme, signature: undefined } }, 'must be a Scheme'],
    ['a clock that is a Date', { secret, clock: new Date(0) }, 'clock must be a function'],
  ])('refuses %s', (_, options, message) => {
    const error = thrownBy(() => new Signer(options as unknown as SignerOptions))
    expect(error).toBeInstanceOf(TypeError)
    expect(String(error)).toContain(message)
  })

  it.each([null, undefined, 'text', 5])('refuses %j for a message with its own error', async (message) => {
    const refused = new Signer({ secret }).sign(message as unknown as SignInput)
    await expect(refused).rejects.toMatchObject({ name: 'PosthornError', code: 'VALIDATION_FAILED' })
  })

  it('refuses to be built without options', () => {
    expect(() => new Signer(undefined as unknown as SignerOptions)).toThrow(TypeError)
  })

  it('shows no secret when printed', () => {
    const signer = new Signer({ secret, scheme: standardWebhooks, clock })
    const printed = inspect(signer, { depth: 10, showHidden: true }) + JSON.stringify(signer)
    expect(printed).not.toContain(secret.slice(6))
  })
})

describe('what signs or is signed as a promise of another kind', () => {
  it('is waited for, as where the global Promise was replaced', async () => {
    const later = <Value>(value: Value) =>
      ({ then: (resolve: (value: Value) => void) => resolve(value) }) as unknown as Promise<Value>
    const expected = await new Signer({ secret, clock }).sign({ id: 'msg_1', body })
    const { signedContent } = standardWebhooks
    const scheme: Scheme = { ...standardWebhooks, signedContent: (message) => later(signedContent(message) as Content) }
    expect(await new Signer({ secret, scheme, clock }).sign({ id: 'msg_1', body })).toEqual(expected)
    const remote: RemoteKey = { algorithm: 'hmac-sha256', sign: () => later(new Uint8Array(32)) }
    const headers = await new Signer({ secret: remote, clock }).sign({ id: 'msg_1', body })
    expect(headers['webhook-signature']).toBe(`v1,${Buffer.alloc(32).toString('base64')}`)
  })
})

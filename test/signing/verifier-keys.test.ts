import { createSign, generateKeyPairSync } from 'node:crypto'
import { createReceiver } from 'posthorn/receiver'
import { gitlabToken, sendgrid } from 'posthorn/schemes'
import { describe, expect, it, vi } from 'vitest'
import { spkiKey } from '../../src/signing/crypto-web.ts'
import type { Content } from '../../src/signing/crypto-seam.ts'
import { createVerifyKey, type KeySource, type VerifyKey } from '../../src/signing/key.ts'
import type { Scheme } from '../../src/signing/scheme.ts'
import { standardWebhooks } from '../../src/signing/schemes/standard-webhooks.ts'
import { Verifier } from '../../src/signing/verifier.ts'
import {
  body,
  clock,
  codeOf,
  nowSeconds,
  secret as standardSecretText,
  signed,
  thrownBy,
  verifier,
} from './messages.ts'

describe('a KeySource that fails', () => {
  const cause = new Error('the KMS is away')
  const secret: KeySource = () => Promise.reject(cause)

  it('makes keys unavailable, with its error as the cause: the call was not wrong', async () => {
    const refused = verifier({ secret }).verify({ headers: await signed(), body })
    await expect(refused).rejects.toMatchObject({ code: 'KEYS_UNAVAILABLE', cause, issues: [] })
  })

  it('is answered 503 by a receiver, which was 500', async () => {
    const onError = vi.fn<(error: unknown) => void>()
    const receiver = createReceiver({ verifier: verifier({ secret }), idempotency: 'none', on: {}, onError })
    const request = new Request('https://example.com', { method: 'POST', headers: await signed(), body })
    expect((await receiver.fetch(request)).status).toBe(503)
    expect(onError.mock.calls[0]![0]).toMatchObject({ code: 'KEYS_UNAVAILABLE' })
  })

  it('is not blamed for a call that is wrong, nor for a signal', async () => {
    expect(await codeOf(verifier({ secret }).verify({ body } as never))).toBe('VALIDATION_FAILED')
    const aborting = new AbortController()
    const slow: KeySource = async () => {
      aborting.abort(new Error('given up'))
      return await secret({ texts: new Map(), isRetry: false })
    }
    const verifying = verifier({ secret: slow }).verify({ headers: await signed(), body }, { signal: aborting.signal })
    await expect(verifying).rejects.toThrow('given up')
  })
})

describe('what gives a promise of another kind', () => {
  // As where the global Promise was replaced (zone.js) or a library has its own: no instance of Promise.
  const later = <Value>(value: Value) =>
    ({ then: (resolve: (value: Value) => void) => resolve(value) }) as unknown as Promise<Value>

  it('is waited for: keys, what is signed, the body', async () => {
    const bytes = new Uint8Array(Buffer.from(standardSecretText.slice(6), 'base64'))
    const secret: KeySource = () => later([createVerifyKey({ algorithm: 'hmac-sha256', bytes }, 0, null)])
    const { signedContent } = standardWebhooks
    const scheme: Scheme = { ...standardWebhooks, signedContent: (message) => later(signedContent(message) as Content) }
    expect((await verifier({ secret, scheme }).verify({ headers: await signed(), body })).eventId).toBe('msg_1')
  })

  it('is a wrong call where what is signed cannot be laid out, and no lack of keys', async () => {
    const scheme: Scheme = { ...standardWebhooks, signedContent: () => Promise.reject(new TypeError('no URL')) }
    expect(await codeOf(verifier({ scheme }).verify({ headers: await signed(), body }))).toBe('VALIDATION_FAILED')
  })
})

describe('a key of an algorithm that the scheme does not have', () => {
  it('fits nothing, and is no lack of keys, whatever the header says', async () => {
    const check = vi.fn<() => boolean>(() => true)
    const key: VerifyKey = { algorithm: 'rsa-sha256', keyIndex: 0, keyId: null, notAfterMs: Infinity, check }
    for (const signature of ['undefined,AAAA', 'v1,AAAA', 'AAAA']) {
      const headers = { ...(await signed()), 'webhook-signature': signature }
      expect(await codeOf(verifier({ secret: () => [key] }).verify({ headers, body }))).toBe('SIGNATURE_MISMATCH')
    }
    expect(check).not.toHaveBeenCalled()
  })
})

describe('a key that answers with a promise of another kind', () => {
  it('fits where that comes to true, and not as soon as there is one', async () => {
    const verifyWith = async (isRight: boolean) => {
      const answer = { then: (resolve: (isRight: boolean) => void) => resolve(isRight) }
      const check = (() => answer) as unknown as NonNullable<VerifyKey['check']> // as a promise library has it
      const key: VerifyKey = { algorithm: 'hmac-sha256', keyIndex: 0, keyId: null, notAfterMs: Infinity, check }
      return await verifier({ secret: () => Promise.resolve([key]) }).verify({ headers: await signed(), body })
    }
    expect((await verifyWith(true)).keyIndex).toBe(0)
    expect(await codeOf(verifyWith(false))).toBe('SIGNATURE_MISMATCH')
  })
})

describe('a key of another curve', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const secret = publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
  const request = {
    headers: {
      'X-Twilio-Email-Event-Webhook-Signature': createSign('sha256')
        .update(`${nowSeconds}[]`)
        .sign(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, 'base64'),
      'X-Twilio-Email-Event-Webhook-Timestamp': String(nowSeconds),
    },
    body: '[]',
  }

  it('is refused when the verifier is made, on Node', () => {
    expect(privateKey.asymmetricKeyDetails?.namedCurve).toBe('secp384r1')
    expect(thrownBy(() => new Verifier({ secret, scheme: sendgrid }))).toMatchObject({ code: 'SECRET_INVALID' })
  })

  it.each([
    ['of P-384', secret],
    ['that is junk', Buffer.alloc(91, 7).toString('base64')],
  ])('is said to be unusable at the first message where WebCrypto reads it: one %s', async (_, text) => {
    // As crypto-web reads it, which other runtimes have.
    const scheme: Scheme = {
      ...sendgrid,
      readSecret(given) {
        const bytes = new Uint8Array(Buffer.from(given, 'base64'))
        return { algorithm: 'ecdsa-p256', bytes, check: spkiKey('ecdsa-p256', bytes) }
      },
    }
    const verifying = new Verifier({ secret: text, scheme, clock }).verify(request)
    await expect(verifying).rejects.toMatchObject({
      code: 'KEYS_UNAVAILABLE',
      message: 'No key can be used; see cause.',
      cause: expect.anything() as unknown,
    })
  })
})

describe('gitlabToken', () => {
  it('refuses a token with a comma, which no request could ever fit', () => {
    const error = thrownBy(() => new Verifier({ secret: 'one,two', scheme: gitlabToken }))
    expect(error).toMatchObject({ code: 'SECRET_INVALID', message: expect.stringContaining('comma') as string })
    expect(String(error)).not.toContain('one,two')
    expect(() => new Verifier({ secret: 'one-two', scheme: gitlabToken })).not.toThrow()
  })
})

import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../src/signing/crypto-node.ts'
import { answerHandshake } from '../../src/signing/handshake.ts'
import { createVerifyKey } from '../../src/signing/key.ts'
import type { Scheme, SignedMessage } from '../../src/signing/scheme.ts'
import { ipaScheme } from '../../src/signing/schemes/ipa.ts'
import { standardWebhooks } from '../../src/signing/schemes/standard-webhooks.ts'
import { Signer } from '../../src/signing/signer.ts'
import type { VerifyInput } from '../../src/signing/verify-input.ts'
import { body, clock, nowMs, nowSeconds, otherSecret, secret, signed, thrownBy, utf8, verifier } from './messages.ts'

/** A scheme that tells what it was asked to lay out. */
function listening(changes: Partial<Scheme> = {}) {
  const seen: SignedMessage[] = []
  const scheme: Scheme = {
    ...standardWebhooks,
    signedContent: (message) => (seen.push(message), standardWebhooks.signedContent(message)),
    ...changes,
  }
  return { scheme, seen }
}

describe('what a scheme is told of a message', () => {
  it('is what was received, the method in capitals', async () => {
    const { scheme, seen } = listening()
    const headers = { ...(await signed()), 'X-Other': 'there' }
    await verifier({ scheme }).verify({ headers, body, method: 'put', url: 'https://a.example/x' })
    expect(seen).toMatchObject([{ id: 'msg_1', method: 'PUT', url: 'https://a.example/x' }])
    expect(['x-other', 'X-OTHER', 'x-none'].map((name) => seen[0]?.header(name))).toEqual(['there', 'there', ''])
  })

  it.each([{}, { method: undefined, url: undefined }])('is POST and no URL where there is none: %j', async (rest) => {
    const { scheme, seen } = listening()
    await verifier({ scheme }).verify({ headers: await signed(), body, ...rest })
    expect(seen).toMatchObject([{ method: 'POST', url: '' }])
  })

  it('has an empty id where the scheme has no header for one', async () => {
    const { scheme, seen } = listening({
      eventId: { body: 'id' },
      covers: ['body', 'timestamp'],
      signedContent: (message) => (seen.push(message), [message.timestamp, '.', message.body]),
    })
    const headers = await new Signer({ secret, scheme, clock }).sign({ id: 'msg_1', body })
    await verifier({ scheme }).verify({ headers, body })
    expect(seen.at(-1)?.id).toBe('')
  })

  it('is what was given to the signer, or the defaults', async () => {
    const { scheme, seen } = listening()
    const signer = new Signer({ secret, scheme, clock })
    await signer.sign({ id: 'msg_1', body })
    await signer.sign({ id: 'msg_1', body, method: 'put', url: 'https://a.example', headers: { 'X-Other': 'there' } })
    expect(seen).toMatchObject([
      { method: 'POST', url: '', timestamp: String(nowSeconds) },
      { method: 'PUT', url: 'https://a.example' },
    ])
    const read = (message?: SignedMessage) => ['x-OTHER', 'x-none'].map((name) => message?.header(name))
    expect(seen.map(read)).toEqual([
      ['', ''],
      ['there', ''],
    ])
  })
})

describe('a message that contradicts itself', () => {
  const scheme: Scheme = { ...standardWebhooks, name: 'contrary', signedContent: () => null }

  it('fits no signature', async () => {
    const verifying = verifier({ scheme }).verify({ headers: await signed(), body })
    const message = expect.stringMatching(/webhook-signature fits/i) as unknown
    await expect(verifying).rejects.toMatchObject({ code: 'SIGNATURE_MISMATCH', message })
  })

  it('is not signed', async () => {
    const issue = { path: 'message', message: 'contradicts itself in the eyes of the scheme contrary' }
    const signing = new Signer({ secret, scheme, clock }).sign({ id: 'msg_1', body })
    await expect(signing).rejects.toMatchObject({ code: 'VALIDATION_FAILED', issues: [issue] })
  })
})

describe('an id that may have a full stop', () => {
  it.each(['é.a', 'a.é', 'a b'])('may have no other character beside: %s', async (id) => {
    const headers = { ...(await signed()), 'webhook-id': id }
    const verifying = verifier({ acceptsDottedIds: true }).verify({ headers, body })
    await expect(verifying).rejects.toMatchObject({ code: 'HEADER_INVALID' })
  })

  it('is refused unless asked for, by the name of its header', async () => {
    const headers = { ...(await signed()), 'webhook-id': 'a.b' }
    const message = expect.stringContaining('webhook-id has a full stop') as unknown
    await expect(verifier().verify({ headers, body })).rejects.toMatchObject({ code: 'HEADER_INVALID', message })
  })
})

describe('other contents', () => {
  it('are tried until one fits, and another behind it changes nothing', async () => {
    const right = ['msg_1', '.', String(nowSeconds), '.', body]
    const scheme: Scheme = {
      ...standardWebhooks,
      signedContent: () => ({ anyOf: [['wrong'], ['wrong too'], right, ['wrong again']] }),
    }
    const verified = await verifier({ scheme }).verify({ headers: await signed(), body })
    expect(verified.eventId).toBe('msg_1')
    const none: Scheme = { ...scheme, signedContent: () => ({ anyOf: [['wrong'], ['wrong too']] }) }
    const verifying = verifier({ scheme: none }).verify({ headers: await signed(), body })
    await expect(verifying).rejects.toMatchObject({ code: 'SIGNATURE_MISMATCH' })
  })
})

describe('what is reported of the time', () => {
  const timeless: Scheme = {
    ...standardWebhooks,
    timestamp: null,
    covers: ['id', 'body'],
    signedContent: ({ id, body: signedBody }) => [id, '.', signedBody],
  }
  it.each<[string, Scheme]>([
    ['none', timeless],
    ['unsigned', { ...timeless, freshness: 'unsigned' }],
    ['signed', standardWebhooks],
  ])('is %s', async (freshness, scheme) => {
    const headers = await new Signer({ secret, scheme, clock }).sign({ id: 'msg_1', body })
    expect('webhook-timestamp' in headers).toBe(freshness === 'signed')
    expect(await verifier({ scheme }).verify({ headers, body })).toMatchObject({ freshness })
  })

  it.each([{ maxAgeMs: false }, { maxFutureMs: false }] as const)('is unchecked with %j', async (options) => {
    const verified = await verifier(options).verify({ headers: await signed(), body })
    expect(verified.freshness).toBe('unchecked')
  })
})

describe('a handshake', () => {
  const asking: Scheme = {
    ...standardWebhooks,
    handshake: async (_, sign) => ({ status: 200, headers: {}, body: toHex(await sign('question')) }),
  }

  it('is none where the scheme has none', async () => {
    const each = verifier()
    expect(await answerHandshake(each, await each.verify({ headers: await signed(), body }))).toBeNull()
  })

  it.each([0, 1])('is signed by the key that signed the request: key %i', async (index) => {
    const secrets = [otherSecret, secret]
    const each = verifier({ scheme: asking, secret: secrets })
    const verified = await each.verify({ headers: await signed({}, secrets[index]), body })
    const key = Buffer.from(secrets[index]!.slice('whsec_'.length), 'base64')
    const expected = createHmac('sha256', key).update('question').digest('hex')
    expect((await answerHandshake(each, verified))?.body).toBe(expected)
  })

  it('is signed by a key that a source gave, where that can sign', async () => {
    const bytes = Buffer.from(secret.slice('whsec_'.length), 'base64')
    const key = createVerifyKey({ algorithm: 'hmac-sha256', bytes }, 3, null)
    const each = verifier({ scheme: asking, secret: async () => [key] })
    const verified = await each.verify({ headers: await signed(), body })
    const expected = createHmac('sha256', bytes).update('question').digest('hex')
    expect((await answerHandshake(each, verified))?.body).toBe(expected)
    const publicKey = { ...key, sign: undefined, check: () => true }
    expect((await answerHandshake({ scheme: asking, keySource: () => [publicKey] }, verified))?.body).toBe('')
    expect((await answerHandshake({ scheme: asking }, verified))?.body).toBe('')
  })
})

describe('a key past its end', () => {
  it('is told apart from one that does not fit', async () => {
    const bytes = Buffer.from(secret.slice('whsec_'.length), 'base64')
    const until = (notAfterMs: number) => [createVerifyKey({ algorithm: 'hmac-sha256', bytes }, 0, null, notAfterMs)]
    const headers = await signed()
    const verify = (notAfterMs: number) => verifier({ secret: async () => until(notAfterMs) }).verify({ headers, body })
    await expect(verify(nowMs + 1)).resolves.toMatchObject({ eventId: 'msg_1' })
    const expired = { code: 'KEY_EXPIRED', message: 'The key has expired.' }
    await expect(verify(nowMs)).rejects.toMatchObject(expired)
  })
})

describe('a wrong call', () => {
  it('of verify says what it takes', async () => {
    const whole = { headers: await signed(), body }
    for (const input of [{}, { body }, null, 5, body, { ...whole, method: 5 }]) {
      const verifying = verifier().verify(input as unknown as VerifyInput)
      const wrong = { code: 'VALIDATION_FAILED', message: 'verify takes a Request or { headers, body }.' }
      await expect(verifying).rejects.toMatchObject({ ...wrong, cause: { name: 'TypeError' } })
    }
    const options = { headers: await signed(), body }
    const misspelt = verifier().verify(options, { Signal: 1 } as never)
    const cause = { message: expect.stringMatching(/^verify: Signal must be left out \(it takes signal\)/) as unknown }
    await expect(misspelt).rejects.toMatchObject({ cause })
  })

  it.each([
    [null, 'message', 'must be an object { id, body }'],
    [{ body }, 'id', 'must be 1 to 256 printable ASCII characters without space, comma and full stop'],
    [{ id: 'a', body, timestamp: 5 }, 'timestamp', 'must be a Date'],
    [{ id: 'a', body, timestamp: new Date(-1) }, 'timestamp', 'must be a valid Date between the years 1970 and 5138'],
    [{ id: 'a', body: {} }, 'body', 'must be the text or bytes that are sent, serialized before signing'],
  ])('of sign says what is wrong: %j', async (message, path, problem) => {
    const signing = new Signer({ secret }).sign(message as never)
    const wrong = { message: `Cannot sign: ${path} ${problem}.`, issues: [{ path, message: problem }] }
    await expect(signing).rejects.toMatchObject({ code: 'VALIDATION_FAILED', ...wrong })
  })

  it.each([undefined, 'a b', 5])('of sign for a scheme that sends the type, without one: %j', async (type) => {
    const problem = `must be an event type such as order.paid, because ${ipaScheme.name} sends it as ${ipaScheme.eventType?.header}`
    const signing = new Signer({ secret: 'a secret that is long enough', scheme: ipaScheme }).sign({
      id: 'a',
      body,
      type,
    } as never)
    await expect(signing).rejects.toMatchObject({ issues: [{ path: 'type', message: problem }] })
  })

  it('of Verifier names it', () => {
    expect(String(thrownBy(() => verifier({ MaxAgeMs: 1 } as never)))).toMatch(
      /^TypeError: Verifier for standard-webhooks: MaxAgeMs must be left out \(it takes secret,scheme,/,
    )
  })

  it('of Signer names it', () => {
    const scheme: Scheme = { ...standardWebhooks, name: 'mute', writeHeaders: null }
    expect(String(thrownBy(() => new Signer({ secret, scheme })))).toBe(
      'TypeError: Signer: by the scheme mute requests can only be verified.',
    )
    expect(String(thrownBy(() => new Signer({ secret, Clock: clock } as never)))).toMatch(
      /Signer: Clock must be left out \(it takes secret,scheme,clock\)/,
    )
    expect(String(thrownBy(() => new Signer({ secret, scheme: 5 as never })))).toMatch(/Signer/)
  })
})

describe('Signer, at the edges', () => {
  it('takes an id of 256 characters and the first instant of 1970', async () => {
    const message = { id: 'x'.repeat(256), body: utf8(body), timestamp: new Date(0) }
    expect(await new Signer({ secret }).sign(message)).toMatchObject({ 'webhook-timestamp': '0' })
    const last = { ...message, timestamp: new Date(1e14) }
    await expect(new Signer({ secret }).sign(last)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
    expect(nowMs).toBeLessThan(1e14)
  })

  it('signs with the newest secret alone where the header holds one', async () => {
    const scheme: Scheme = { ...standardWebhooks, signature: { ...standardWebhooks.signature, syntax: 'single' } }
    const other = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
    const headers = await new Signer({ secret: [secret, other], scheme, clock }).sign({ id: 'msg_1', body })
    expect(headers).toEqual(await signed())
  })
})

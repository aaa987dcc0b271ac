import { generateKeyPairSync, sign } from 'node:crypto'
import { awsSns, keyList, paypal, plaid } from 'posthorn/schemes-fetching'
import { describe, expect, it } from 'vitest'
import type { FetchKeys } from '../../../src/signing/key-cache.ts'
import { Signer } from '../../../src/signing/signer.ts'
import { Verifier } from '../../../src/signing/verifier.ts'
import { body, clock, codeOf, nowMs } from '../messages.ts'
import { requestOf, verifierOf } from './requests.ts'

/** A fetch that counts, and answers as it is told. */
function counting(answer: (url: string) => Response | Promise<Response>): {
  readonly fetch: FetchKeys
  readonly urls: string[]
} {
  const urls: string[] = []
  return {
    urls,
    fetch: async (url, init) => {
      urls.push(url)
      // A redirect must not lead away from the pinned place.
      expect(init.redirect).toBe('manual')
      return await answer(url)
    },
  }
}

const certificate = Object.values(requestOf('paypal').keys)[0] ?? ''

describe('paypal', () => {
  const { input } = requestOf('paypal')
  const webhookId = '8PT597110X687430LKGECATA'
  const withUrl = (url: string) => ({ ...input, headers: { ...input.headers, 'paypal-cert-url': url } })

  it.each([
    'https://evil.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com.evil.com/v1/notifications/certs/CERT-1',
    'http://api.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com@evil.com/v1/notifications/certs/CERT-1',
    'https://evil.com/https://api.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com/v1/notifications/certs/../../CERT-1',
    'https://api.paypal.com/v1/notifications/certs/CERT-1?a',
    'https://api.paypal.com\\@evil.com/v1/notifications/certs/CERT-1',
    certificate.slice(0, 500),
    '',
  ])('case 31: fetches nothing from %j', async (url) => {
    const { fetch, urls } = counting(() => new Response(certificate))
    const verifier = new Verifier({ scheme: paypal({ webhookId, fetch, clock }), clock })
    expect(await codeOf(verifier.verify(withUrl(url)))).toBe('HEADER_INVALID')
    expect(urls).toEqual([])
  })

  it('is verified with one fetch for many messages', async () => {
    const { fetch, urls } = counting(() => new Response(certificate))
    const verifier = new Verifier({ scheme: paypal({ webhookId, fetch, clock }), clock })
    const all = await Promise.all(Array.from({ length: 5 }, () => verifier.verify(input)))
    expect(all[4]).toMatchObject({
      eventId: 't-1',
      keyId: expect.stringContaining('CERT-') as string,
      freshness: 'signed',
    })
    await verifier.verify(input)
    expect(urls).toHaveLength(1)
  })

  it('refuses another algorithm, another webhook and a redirect', async () => {
    const other = { ...input, headers: { ...input.headers, 'paypal-auth-algo': 'SHA1withRSA' } }
    expect(await codeOf(verifierOf(requestOf('paypal')).verify(other))).toBe('SIGNATURE_MISMATCH')
    const { fetch } = counting(() => new Response(certificate))
    const wrong = new Verifier({ scheme: paypal({ webhookId: 'ANOTHER', fetch, clock }), clock })
    expect(await codeOf(wrong.verify(input))).toBe('SIGNATURE_MISMATCH')
    const redirecting = counting(() => new Response(null, { status: 302, headers: { location: 'https://evil.com' } }))
    const redirected = new Verifier({ scheme: paypal({ webhookId, fetch: redirecting.fetch, clock }), clock })
    expect(await codeOf(redirected.verify(input))).toBe('KEYS_UNAVAILABLE')
  })

  it.each(['', 'no certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'x'.repeat(70_000)])(
    'takes no key from an answer that is no certificate',
    async (text) => {
      const verifier = new Verifier({
        scheme: paypal({ webhookId, fetch: counting(() => new Response(text)).fetch, clock }),
        clock,
      })
      expect(await codeOf(verifier.verify(input))).toBe('KEYS_UNAVAILABLE')
    },
  )

  it('refuses an expired certificate', async () => {
    const inCenturies = () => nowMs + 2e13
    const { fetch } = counting(() => new Response(certificate))
    const verifier = new Verifier({
      scheme: paypal({ webhookId, fetch, clock: inCenturies }),
      clock: inCenturies,
      maxAgeMs: false,
    })
    expect(await codeOf(verifier.verify(input))).toBe('KEY_EXPIRED')
  })

  it('takes no secret', () => {
    expect(() => new Verifier({ secret: 'x', scheme: paypal({ webhookId }) })).toThrow('has no use')
    expect(() => paypal({ webhookId: 'a|b' })).toThrow('webhookId')
  })
})

describe('awsSns', () => {
  const { input, keys } = requestOf('awsSns')
  const topicArns = ['arn:aws:sns:us-east-1:123456789012:MyTopic']
  const message = JSON.parse(input.body) as Record<string, string> // the fixture's members are texts
  const changed = (members: Record<string, string>) => ({ ...input, body: JSON.stringify({ ...message, ...members }) })
  const answering = () => counting((url) => new Response(keys[url] ?? 'ok'))
  const verifying = (fetch: FetchKeys, options = {}) =>
    new Verifier({ scheme: awsSns({ topicArns, fetch, clock, ...options }), clock })

  it.each([
    'https://evil.com/SimpleNotificationService-1.pem',
    'https://sns.us-east-1.amazonaws.com.evil.com/SimpleNotificationService-1.pem',
    'http://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem',
    'https://sns.us-east-1.amazonaws.com@evil.com/SimpleNotificationService-1.pem',
    'https://a@sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem',
    'https://sns.us-east-1.amazonaws.com/../evil.pem',
    'https://sns.evil.com/.amazonaws.com/SimpleNotificationService-1.pem',
    'https://s3.us-east-1.amazonaws.com/SimpleNotificationService-1.pem',
    // A bucket named sns, in each way that S3 has hosts for it.
    'https://sns.s3.amazonaws.com/SimpleNotificationService-1.pem',
    'https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-1.pem',
    'https://sns.s3-website-us-east-1.amazonaws.com/SimpleNotificationService-1.pem',
    'https://sns.us-east-1.amazonaws.com/bucket/x?SimpleNotificationService-1.pem',
    // Whoever has a topic can make the API itself answer with a text of theirs, such as its policy.
    'https://sns.us-east-1.amazonaws.com/?Action=GetTopicAttributes&X-Amz-Signature=1&x=/SimpleNotificationService-1.pem',
    'https://sns.us-east-1.amazonaws.com/?Action=GetTopicAttributes#/SimpleNotificationService-1.pem',
    'https://sns.us-east-1.amazonaws.com/other/SimpleNotificationService-1.pem',
  ])('fetches no certificate from %s', async (SigningCertURL) => {
    const { fetch, urls } = answering()
    expect(await codeOf(verifying(fetch).verify(changed({ SigningCertURL })))).toBe('HEADER_INVALID')
    expect(urls).toEqual([])
  })

  it('refuses a topic of somebody else, the other signature version, and a type that it does not know', async () => {
    const { fetch } = answering()
    expect(await codeOf(verifying(fetch, { topicArns: ['arn:aws:sns:us-east-1:1:Other'] }).verify(input))).toBe(
      'SIGNATURE_MISMATCH',
    )
    expect(await codeOf(verifying(fetch, { signatureVersion: '1' }).verify(input))).toBe('SIGNATURE_MISMATCH')
    expect(await codeOf(verifying(fetch).verify(changed({ SignatureVersion: '1' })))).toBe('SIGNATURE_MISMATCH')
    expect(await codeOf(verifying(fetch).verify(changed({ Type: 'Other' })))).toBe('SIGNATURE_MISMATCH')
    expect(() => awsSns({ topicArns: [] })).toThrow('topicArns')
  })

  it.each(['us-gov-west-1.amazonaws.com', 'cn-north-1.amazonaws.com.cn', 'ap-southeast-4.amazonaws.com'])(
    'asks SNS in the region %s',
    async (host) => {
      const { fetch, urls } = answering()
      const SigningCertURL = `https://sns.${host}/SimpleNotificationService-1.pem`
      expect(await codeOf(verifying(fetch).verify(changed({ SigningCertURL })))).toBe('KEYS_UNAVAILABLE')
      expect(urls).toEqual([SigningCertURL])
    },
  )

  it('confirms a subscription at the pinned hosts only', async () => {
    const { fetch, urls } = answering()
    const scheme = awsSns({ topicArns, fetch, clock })
    const confirmation = (SubscribeURL: string) =>
      ({ type: 'SubscriptionConfirmation', payload: { SubscribeURL } }) as never // reads no more
    const none = () => Promise.resolve(new Uint8Array(0))
    const url = 'https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=1'
    expect(await scheme.handshake?.(confirmation(url), none)).toMatchObject({ status: 200 })
    expect(urls).toEqual([url])
    await expect(scheme.handshake?.(confirmation('https://169.254.169.254/'), none)).rejects.toMatchObject({
      code: 'HEADER_INVALID',
    })
    expect(urls).toHaveLength(1)
  })
})

describe('plaid', () => {
  const { input, keys } = requestOf('plaid')
  const token = input.headers['Plaid-Verification'] ?? ''
  const [header = '', claims = '', signature = ''] = token.split('.')
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const parts = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>
  const codeFor = (changed: string) =>
    codeOf(verifierOf(requestOf('plaid')).verify({ ...input, headers: { 'Plaid-Verification': changed } }))

  it.each([
    ['alg none', { alg: 'none', kid: 'kid-1' }],
    ['HS256', { alg: 'HS256', kid: 'kid-1' }],
    ['ES384', { alg: 'ES384', kid: 'kid-1' }],
    ['no kid', { alg: 'ES256' }],
    ['a kid that is a path', { alg: 'ES256', kid: '../../x' }],
  ])('case 30: refuses a token with %s', async (_, changed) => {
    expect(await codeFor(`${part(changed)}.${claims}.${signature}`)).toBe('HEADER_INVALID')
  })

  it('case 30: refuses a key within the token, whatever it signed', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const withKey = { ...parts(header), jwk: publicKey.export({ format: 'jwk' }), jku: 'https://evil.com/jwks.json' }
    const content = `${part(withKey)}.${claims}`
    const made = sign('sha256', Buffer.from(content), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString(
      'base64url',
    )
    expect(await codeFor(`${content}.${made}`)).toBe('SIGNATURE_MISMATCH')
  })

  it('refuses an unknown kid, other claims, and more or fewer parts', async () => {
    expect(await codeFor(`${part({ ...parts(header), kid: 'kid-2' })}.${claims}.${signature}`)).toBe('KEYS_UNAVAILABLE')
    expect(await codeFor(`${header}.${part({ ...parts(claims), extra: 1 })}.${signature}`)).toBe('SIGNATURE_MISMATCH')
    expect(await codeFor(`${token}.x`)).toBe('HEADER_INVALID')
    expect(await codeFor(`${header}.${claims}`)).toBe('HEADER_MISSING')
    expect(await codeFor('x')).toBe('HEADER_INVALID')
    expect(
      await codeFor(`${header}.${part({ request_body_sha256: parts(claims)['request_body_sha256'] })}.${signature}`),
    ).toBe('HEADER_MISSING')
  })

  it('is verified after a flood of key names that somebody made up, and asks for no more than 300 a minute', async () => {
    const { fetch, urls } = counting((url) => new Response(keys[url]))
    const verifier = new Verifier({ scheme: plaid({ clientId: 'id', secret: 'secret', fetch, clock }), clock })
    const flood = async (from: number, to: number) => {
      for (let kid = from; kid < to; kid++) {
        const made = `${part({ alg: 'ES256', kid: `made-up-${kid}` })}.${claims}.${signature}`
        expect(await codeOf(verifier.verify({ ...input, headers: { 'Plaid-Verification': made } }))).toBe(
          'KEYS_UNAVAILABLE',
        )
      }
    }
    await flood(0, 100)
    expect((await verifier.verify(input)).keyId).toBe('kid-1')
    await flood(100, 400)
    expect(urls).toHaveLength(300)
  })

  it('asks for the key with its credentials, at the pinned place', async () => {
    const { fetch, urls } = counting((url) => new Response(keys[url] ?? null, { status: 200 }))
    const scheme = plaid({ clientId: 'id', secret: 'secret', fetch, clock })
    await new Verifier({ scheme, clock }).verify(input)
    expect(urls).toEqual(['https://production.plaid.com/webhook_verification_key/get'])
    expect(() => plaid({ clientId: '', secret: 'x' })).toThrow('clientId')
  })
})

describe('keyList', () => {
  const url = 'https://example.com/.well-known/webhooks.json'
  const { input } = requestOf('standardWebhooks v1a')
  const trusted = requestOf('standardWebhooks v1a').secret ?? ''
  const x = Buffer.from(trusted.slice(5), 'base64').toString('base64url')
  const jwks = JSON.stringify({
    keys: [
      { kty: 'RSA', n: 'x' },
      { kty: 'OKP', crv: 'Ed25519', x, kid: '2026' },
    ],
  })
  const other = `whpk_${Buffer.alloc(32, 7).toString('base64')}`

  const keysAt = (answer: () => Response | Promise<Response>, now = clock) => {
    const { fetch, urls } = counting(answer)
    return { urls, verifier: new Verifier({ secret: keyList({ url, fetch, clock: now }), clock }) }
  }

  it('takes whpk_ texts and JWKS, skipping keys of other kinds', async () => {
    const texts = keysAt(() => Response.json([other, trusted, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']))
    expect(await texts.verifier.verify(input)).toMatchObject({ keyIndex: 1, keyId: null })
    const set = keysAt(() => new Response(jwks))
    expect(await set.verifier.verify(input)).toMatchObject({ keyIndex: 1, keyId: '2026' })
  })

  it('finds the key among keys that cannot be used, however many', async () => {
    const offCurve = { kty: 'EC', crv: 'P-256', x: Buffer.alloc(32, 1).toString('base64url'), y: x }
    const rsa = Array.from({ length: 20 }, () => ({ kty: 'RSA', n: 'x' }))
    const { verifier } = keysAt(() => Response.json({ keys: [offCurve, ...rsa, { kty: 'OKP', crv: 'Ed25519', x }] }))
    expect((await verifier.verify(input)).keyIndex).toBe(21)
  })

  it('accepts no HMAC keyed with what it publishes', async () => {
    const signer = new Signer({ secret: `whsec_${trusted.slice(5)}`, clock })
    const { verifier } = keysAt(() => new Response(jwks))
    expect(await codeOf(verifier.verify({ headers: await signer.sign({ id: 'msg_1', body }), body }))).toBe(
      'SIGNATURE_MISMATCH',
    )
  })

  it('fetches again when no key fits, at most ten times a minute', async () => {
    let published = [other]
    let time = nowMs
    const { verifier, urls } = keysAt(
      () => Response.json(published),
      () => time,
    )
    expect(await codeOf(verifier.verify(input))).toBe('SIGNATURE_MISMATCH')
    expect(urls).toHaveLength(2)
    published = [other, trusted]
    expect((await verifier.verify(input)).keyIndex).toBe(1)
    expect(urls).toHaveLength(3)
    published = [other]
    const forged = { ...input, body: 'forged' }
    for (let attempt = 0; attempt < 50; attempt++)
      expect(await codeOf(verifier.verify(forged))).toBe('SIGNATURE_MISMATCH')
    expect(urls).toHaveLength(10)
    time += 61_000
    expect(await codeOf(verifier.verify(forged))).toBe('SIGNATURE_MISMATCH')
    expect(urls).toHaveLength(11)
  })

  it('fetches once for messages that come at once', async () => {
    const { verifier, urls } = keysAt(() => new Response(jwks))
    await Promise.all(Array.from({ length: 20 }, () => verifier.verify(input)))
    expect(urls).toHaveLength(1)
  })

  it('tells all that wait for one fetch that it failed, and does not fetch again for each', async () => {
    const { verifier, urls } = keysAt(() => Promise.reject(new Error('down')))
    const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(verifier.verify(input))))
    expect(new Set(codes)).toEqual(new Set(['KEYS_UNAVAILABLE']))
    expect(urls).toHaveLength(1)
  })

  it('does not wait for a fetch that will never end, as of a request that its platform gave up, and fetches anew', async () => {
    const { fetch, urls } = counting(() => (urls.length === 1 ? new Promise<Response>(() => {}) : new Response(jwks)))
    const secret = keyList({ url: 'https://example.com/keys', fetch, clock, timeoutMs: 20 })
    const verifier = new Verifier({ secret, clock })
    const together = await Promise.all([codeOf(verifier.verify(input)), codeOf(verifier.verify(input))])
    expect(together).toEqual(['KEYS_UNAVAILABLE', 'KEYS_UNAVAILABLE'])
    expect(urls).toHaveLength(1)
    expect((await verifier.verify(input)).scheme).toBe('standard-webhooks')
    expect(urls).toHaveLength(2)
  })

  it('goes on with the keys it has when fetching fails, after an hour and after that', async () => {
    let isUp = true
    let time = nowMs
    const { verifier, urls } = keysAt(
      () => (isUp ? new Response(jwks) : Promise.reject(new Error('down'))),
      () => time,
    )
    await verifier.verify(input)
    isUp = false
    time += 3_600_001
    expect((await verifier.verify(input)).keyId).toBe('2026')
    expect(urls).toHaveLength(2)
  })

  it.each([
    ['nothing that was ever fetched', () => Promise.reject(new Error('down'))],
    ['no JSON', () => new Response('<html>')],
    ['no keys', () => new Response('{"keys":[]}')],
    ['an error', () => new Response(jwks, { status: 500 })],
    ['a redirect', () => new Response(jwks, { status: 301 })],
    ['more than 64 KiB', () => new Response(JSON.stringify([trusted, 'x'.repeat(70_000)]))],
  ])('says that keys are unavailable for %s', async (_, answer) => {
    const { verifier } = keysAt(answer)
    expect(await codeOf(verifier.verify(input))).toBe('KEYS_UNAVAILABLE')
  })

  it('gives up waiting for keys when the signal says so, and still gives them to others', async () => {
    let answer: ((response: Response) => void) | undefined
    const { verifier, urls } = keysAt(() => new Promise((resolve) => (answer = resolve)))
    const controller = new AbortController()
    const hasty = verifier.verify(input, { signal: controller.signal })
    const patient = verifier.verify(input, { signal: new AbortController().signal })
    const reason = new Error('enough')
    await expect.poll(() => answer).toBeDefined()
    controller.abort(reason)
    await expect(hasty).rejects.toBe(reason)
    answer?.(new Response(jwks))
    expect((await patient).keyId).toBe('2026')
    expect(urls).toHaveLength(1)
  })

  it.each(['http://example.com/keys', 'example.com', 'https://user:pass@example.com/keys', ''])(
    'refuses the URL %j',
    (wrong) => {
      expect(() => keyList({ url: wrong })).toThrow('keyList: url')
    },
  )

  it('refuses options that nobody reads', () => {
    expect(() => keyList({ url, maxAge: 1 } as never)).toThrow(
      'maxAge must be left out (it takes fetch,maxAgeMs,timeoutMs,clock)',
    )
    expect(() => keyList({ url, timeoutMs: 0 })).toThrow('timeoutMs')
  })
})

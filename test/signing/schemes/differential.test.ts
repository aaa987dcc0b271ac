import { verifySlackRequest } from '@slack/bolt/dist/receivers/verify-request.js'
import { sign as octokitSign, verify as octokitVerify } from '@octokit/webhooks-methods'
import * as fc from 'fast-check'
import { parse, stringify } from 'node:querystring'
import { github, slack, stripe, svix, twilio } from 'posthorn/schemes'
import StripeClient from 'stripe'
import { Webhook as SvixWebhook } from 'svix'
import twilioClient from 'twilio'
import { describe, expect, it } from 'vitest'
import type { Scheme } from '../../../src/signing/scheme.ts'
import { Signer } from '../../../src/signing/signer.ts'
import { Verifier } from '../../../src/signing/verifier.ts'
import { codeOf, nowMs, nowSeconds, secret as standardSecret } from '../messages.ts'

// standardwebhooks is compared in ../interop.test.ts.

const secret = 'whsec_a-secret-as-text'
const json = fc.json()
const runs = { numRuns: 100 }
// These peers take the time from the machine.
const now = () => Math.floor(Date.now() / 1000)

const ours = (scheme: Scheme, clock = Date.now) => ({
  sign: (body: string, url = '') =>
    new Signer({ secret, scheme, clock }).sign({ id: 'msg_1', type: 'push', body, url }),
  verify: (headers: Record<string, string>, body: string, url = '') =>
    new Verifier({ secret, scheme, clock }).verify({ headers, body, url }),
})

describe('the svix package', () => {
  it('verifies what Signer signs, and signs what Verifier verifies', async () => {
    const theirs = new SvixWebhook(standardSecret)
    await fc.assert(
      fc.asyncProperty(json, async (body) => {
        const headers = await new Signer({ secret: standardSecret, scheme: svix }).sign({ id: 'msg_1', body })
        expect(() => theirs.verify(body, headers)).not.toThrow()
        expect(() => theirs.verify(`${body} `, headers)).toThrow('No matching signature')
        const at = new Date()
        const signed = {
          'svix-id': 'msg_1',
          'svix-timestamp': String(now()),
          'svix-signature': theirs.sign('msg_1', at, body),
        }
        const verified = await new Verifier({ secret: standardSecret, scheme: svix }).verify({ headers: signed, body })
        expect(verified.eventId).toBe('msg_1')
      }),
      runs,
    )
  })
})

describe('the stripe package', () => {
  const { webhooks } = StripeClient

  it('verifies what Signer signs, and signs what Verifier verifies', async () => {
    const { sign, verify } = ours(stripe)
    await fc.assert(
      fc.asyncProperty(json, async (payload) => {
        const header = (await sign(payload))['Stripe-Signature'] ?? ''
        expect(webhooks.constructEvent(payload, header, secret)).toEqual(JSON.parse(payload))
        expect(() => webhooks.constructEvent(`${payload} `, header, secret)).toThrow('No signatures found')
        const theirs = webhooks.generateTestHeaderString({ payload, secret })
        expect((await verify({ 'stripe-signature': theirs }, payload)).keyIndex).toBe(0)
        expect(await codeOf(verify({ 'stripe-signature': theirs }, `${payload} `))).toBe('SIGNATURE_MISMATCH')
      }),
      runs,
    )
  })
})

describe('the @octokit/webhooks-methods package', () => {
  it('verifies what Signer signs, and signs what Verifier verifies', async () => {
    const { sign, verify } = ours(github)
    await fc.assert(
      fc.asyncProperty(json, async (payload) => {
        const signature = (await sign(payload))['X-Hub-Signature-256'] ?? ''
        expect(await octokitVerify(secret, payload, signature)).toBe(true)
        expect(signature).toBe(await octokitSign(secret, payload))
        expect((await verify({ 'X-Hub-Signature-256': await octokitSign(secret, payload) }, payload)).keyIndex).toBe(0)
      }),
      runs,
    )
  })
})

describe('the verifier of @slack/bolt', () => {
  it('verifies what Signer signs, and refuses what Verifier refuses', async () => {
    const { sign, verify } = ours(slack, () => nowMs)
    const theirs = (headers: Record<string, string>, body: string, nowMilliseconds = nowMs) =>
      verifySlackRequest({
        signingSecret: secret,
        body,
        nowMilliseconds,
        headers: {
          'x-slack-signature': headers['X-Slack-Signature'] ?? '',
          'x-slack-request-timestamp': Number(headers['X-Slack-Request-Timestamp']),
        },
      })
    await fc.assert(
      fc.asyncProperty(json, async (body) => {
        const headers = await sign(body)
        expect(() => theirs(headers, body)).not.toThrow()
        expect(() => theirs(headers, `${body} `)).toThrow('signature mismatch')
        expect(await codeOf(verify(headers, `${body} `))).toBe('SIGNATURE_MISMATCH')
      }),
      runs,
    )
    const headers = await sign('{}')
    expect(headers['X-Slack-Request-Timestamp']).toBe(String(nowSeconds))
    expect(() => theirs(headers, '{}', nowMs + 301_000)).toThrow('stale')
    const late = ours(slack, () => nowMs + 301_000)
    expect(await codeOf(late.verify(headers, '{}'))).toBe('TIMESTAMP_TOO_OLD')
  })
})

describe('the twilio package', () => {
  const publicUrl = 'https://example.com/twilio'
  const { sign, verify } = ours(twilio({ publicUrl }))
  const form = fc.dictionary(fc.stringMatching(/^[A-Za-z]{1,8}$/), fc.string({ unit: 'grapheme' }), { maxKeys: 6 })

  it('verifies what Signer signs, and signs what Verifier verifies, of forms', async () => {
    await fc.assert(
      fc.asyncProperty(form, async (fields) => {
        const body = new URLSearchParams(fields).toString()
        const url = '/twilio?a=1&b=%20'
        const signature = (await sign(body, url))['X-Twilio-Signature'] ?? ''
        // As Twilio reads them from the wire: lone surrogates do not survive it.
        const received = Object.fromEntries(new URLSearchParams(body))
        expect(twilioClient.validateRequest(secret, signature, `${publicUrl}?a=1&b=%20`, received)).toBe(true)
        const theirs = twilioClient.getExpectedTwilioSignature(secret, `${publicUrl}?a=1&b=%20`, received)
        expect((await verify({ 'x-twilio-signature': theirs }, body, url)).keyIndex).toBe(0)
      }),
      runs,
    )
  })

  it('signs as Signer does, of forms in which a name comes several times', async () => {
    const values = fc.array(fc.constantFrom('', 'a', 'b', 'B', 'ab', '1'), { minLength: 1, maxLength: 4 })
    const repeating = fc.dictionary(fc.constantFrom('a', 'A', 'ab', 'a!', '10', '9', '_'), values, { minKeys: 1 })
    await fc.assert(
      fc.asyncProperty(repeating, async (fields) => {
        const body = new URLSearchParams(
          Object.entries(fields).flatMap(([name, all]) => all.map((value) => [name, value])),
        ).toString()
        const theirs = twilioClient.getExpectedTwilioSignature(secret, publicUrl, fields)
        expect((await sign(body, '/twilio'))['X-Twilio-Signature']).toBe(theirs)
      }),
      runs,
    )
  })

  it('agrees with Verifier about the URLs that may have been signed', async () => {
    const publicUrls = [
      'https://example.com/a',
      'http://example.com:8080/a',
      'https://u:p@example.com/a',
      'https://[::1]/a',
    ]
    const signedUrls = fc.constantFrom(
      (url: string) => url,
      (url: string) => url.replace('example.com/', 'example.com:443/'),
      (url: string) => url.replace('[::1]/', '[::1]:443/'),
      (url: string) => url.replace(':8080', ''),
      (url: string) => url.replace('example.com/', 'example.com:444/'),
      (url: string) => url.replaceAll("'", '%27'),
      (url: string) => new URL(url).toString(),
      (url: string) => `${url.split('?')[0]}?${stringify(parse(url.split('?')[1] ?? ''))}`,
    )
    const query = fc
      .array(fc.stringMatching(/^[a-c12]{1,2}=[a-c '!*+%()~]{0,5}$/), { maxLength: 4 })
      .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.join('&')}`))
    const seen = { accepted: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...publicUrls), query, signedUrls, async (base, search, change) => {
        const signature = twilioClient.getExpectedTwilioSignature(secret, change(base + search), { a: 'b' })
        const isValid = twilioClient.validateRequest(secret, signature, base + search, { a: 'b' })
        const verifying = ours(twilio({ publicUrl: base })).verify(
          { 'x-twilio-signature': signature },
          'a=b',
          `/a${search}`,
        )
        const outcome = await verifying.then(
          () => true,
          () => false,
        )
        expect(outcome).toBe(isValid)
        seen[isValid ? 'accepted' : 'refused']++
      }),
      { numRuns: 500 },
    )
    expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(10)
  })

  it('verifies what Signer signs, and signs what Verifier verifies, of JSON', async () => {
    await fc.assert(
      fc.asyncProperty(json, async (body) => {
        const query = `?bodySHA256=${twilioClient.getExpectedBodyHash(body)}`
        const signature = (await sign(body, `/twilio${query}`))['X-Twilio-Signature'] ?? ''
        expect(twilioClient.validateRequestWithBody(secret, signature, publicUrl + query, body)).toBe(true)
        const theirs = twilioClient.getExpectedTwilioSignature(secret, publicUrl + query, {})
        expect((await verify({ 'x-twilio-signature': theirs }, body, `/twilio${query}`)).keyIndex).toBe(0)
        expect(await codeOf(verify({ 'x-twilio-signature': theirs }, `${body} `, `/twilio${query}`))).toBe(
          'SIGNATURE_MISMATCH',
        )
      }),
      runs,
    )
  })
})

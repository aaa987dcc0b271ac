import { createReceiver, type EventHandler } from 'posthorn/receiver'
import {
  asana,
  discord,
  dropbox,
  github,
  gitlabToken,
  intercom,
  mailgun,
  meta,
  notion,
  shopify,
  slack,
  zoom,
} from 'posthorn/schemes'
import { type Scheme, Signer, Verifier } from 'posthorn/verify'
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { requestOf, signedRequests, verifierOf } from '../signing/schemes/requests.ts'
import { createTestReceiver, durableMemory, url } from './receiver-fixture.ts'

const secret = 'a-secret-as-text-0123456789'

/** A receiver that counts what gets to any handler. */
function counting(scheme: Scheme, options: object = {}) {
  const handler = vi.fn<EventHandler>()
  const verifier = new Verifier({ secret, scheme })
  return { handler, ...createTestReceiver({ verifier, on: {}, onUnknown: handler, ...options }) }
}

async function signed(scheme: Scheme, body: string): Promise<Request> {
  const headers = await new Signer({ secret, scheme }).sign({ id: 'x1', body })
  return new Request(url, { method: 'POST', headers, body })
}

const seconds = () => String(Math.floor(Date.now() / 1000))

describe('createReceiver with handshakes', () => {
  it('answers the challenge of Slack after it was verified, and runs nothing', async () => {
    const { receiver, handler, outcomes } = counting(slack)
    const body = JSON.stringify({ type: 'url_verification', challenge: 'abc' })
    const answer = await receiver.fetch(await signed(slack, body))
    expect([answer.status, await answer.text()]).toEqual([200, 'abc'])
    expect((await receiver.fetch(new Request(url, { method: 'POST', body }))).status).toBe(401)
    expect(outcomes.map(({ result }) => result)).toEqual(['handshake', 'rejected'])
    const event = JSON.stringify({ type: 'event_callback', event_id: 'E1', event: { type: 'message' } })
    await receiver.fetch(await signed(slack, event))
    expect(handler.mock.calls[0]![0]).toMatchObject({ id: 'E1', type: 'message', data: { event_id: 'E1' } })
  })

  it('signs the challenge of Zoom', async () => {
    const { receiver, handler } = counting(zoom)
    const body = JSON.stringify({ event: 'endpoint.url_validation', payload: { plainToken: 'plain' } })
    const answer = await receiver.fetch(await signed(zoom, body))
    const encryptedToken = createHmac('sha256', secret).update('plain').digest('hex')
    expect([answer.status, await answer.json()]).toEqual([200, { plainToken: 'plain', encryptedToken }])
    expect(handler).not.toHaveBeenCalled()
  })

  it('answers the ping of Discord, and 401 to a wrong signature', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
    const verifier = new Verifier({ secret: key, scheme: discord })
    const { receiver } = createTestReceiver({ verifier, on: {} })
    const timestamp = seconds()
    const request = (body: string) => {
      const signature = sign(null, Buffer.from(timestamp + body), privateKey).toString('hex')
      const headers = { 'x-signature-ed25519': signature, 'x-signature-timestamp': timestamp }
      return new Request(url, { method: 'POST', headers, body })
    }
    const answer = await receiver.fetch(request('{"type":1}'))
    expect([answer.status, await answer.json()]).toEqual([200, { type: 1 }])
    const { headers } = request('{"type":1}')
    expect((await receiver.fetch(new Request(url, { method: 'POST', headers, body: '{"type":2}' }))).status).toBe(401)
  })

  it('answers the unsigned questions of Dropbox, Meta, Notion, Intercom and Asana, and runs nothing', async () => {
    const kept: string[] = []
    const cases: readonly (readonly [Scheme, Request, number, string])[] = [
      [dropbox, new Request(`${url}?challenge=abc`), 200, 'abc'],
      [
        meta({ verifyToken: 't' }),
        new Request(`${url}?hub.mode=subscribe&hub.verify_token=t&hub.challenge=7`),
        200,
        '7',
      ],
      [
        meta({ verifyToken: 't' }),
        new Request(`${url}?hub.mode=subscribe&hub.verify_token=u&hub.challenge=7`),
        401,
        '{"error":"unauthorized"}',
      ],
      [
        notion({ onVerificationToken: (token) => void kept.push(token) }),
        new Request(url, { method: 'POST', body: '{"verification_token":"secret_1"}' }),
        200,
        '',
      ],
      [intercom, new Request(url, { method: 'HEAD' }), 200, ''],
      [intercom, new Request(url), 401, '{"error":"unauthorized"}'],
      [
        asana({ onHookSecret: (hookSecret) => void kept.push(hookSecret) }),
        new Request(url, { method: 'POST', headers: { 'x-hook-secret': 's1' } }),
        200,
        '',
      ],
    ]
    for (const [scheme, request, status, text] of cases) {
      const { receiver, handler } = counting(scheme)
      const answer = await receiver.fetch(request)
      expect([answer.status, await answer.text(), handler.mock.calls.length], scheme.name).toEqual([status, text, 0])
    }
    expect(kept).toEqual(['secret_1', 's1'])
  })

  it('verifies the very bytes that it looked for a question in, and reads no more than the limit', async () => {
    const handler = vi.fn<EventHandler>()
    const verifier = new Verifier({ secret, scheme: notion(), maxBodyBytes: 50 })
    const { receiver } = createTestReceiver({ verifier, on: { 'page.created': handler } })
    expect((await receiver.fetch(await signed(notion(), '{"id":"1","type":"page.created","data":{}}'))).status).toBe(
      200,
    )
    expect(handler).toHaveBeenCalledOnce()
    const { headers } = await signed(notion(), '{}')
    expect((await receiver.fetch(new Request(url, { method: 'POST', headers, body: '{ }' }))).status).toBe(401)
    expect((await receiver.fetch(await signed(notion(), `{"id":"${'x'.repeat(50)}"}`))).status).toBe(413)
  })

  it('answers 500 where a challenge fails', async () => {
    const refuse = () => {
      throw new Error('no webhook of ours is being created')
    }
    const { receiver, errors } = counting(asana({ onHookSecret: refuse }))
    const request = new Request(url, { method: 'POST', headers: { 'x-hook-secret': 's1' } })
    expect((await receiver.fetch(request)).status).toBe(500)
    expect(errors).toMatchObject([{ context: { during: 'verify' } }])
  })
})

describe('createReceiver with schemes that do not sign the body', () => {
  const timestamp = seconds()
  const token = 't'.repeat(50)
  const signature = createHmac('sha256', secret)
    .update(timestamp + token)
    .digest('hex')
  const altered = JSON.stringify({
    signature: { timestamp, token, signature },
    'event-data': { event: 'opened', amount: 1e9 },
  })

  it.each([mailgun, gitlabToken])('case 34: refuses $name when it is made, and says what to do', (scheme) => {
    const create = () => createReceiver({ verifier: new Verifier({ secret, scheme }), idempotency: 'none', on: {} })
    expect(create).toThrow(TypeError)
    expect(create).toThrow(`${scheme.name} does not sign the body`)
    expect(create).toThrow("uncoveredBody: 'accept'")
  })

  it('refuses such a request where only the result says what was covered', async () => {
    const verifier = new Verifier({ secret, scheme: mailgun })
    const handler = vi.fn<EventHandler>()
    const options = { verifier: { verify: (input: Request) => verifier.verify(input) }, on: {}, onUnknown: handler }
    const { receiver, errors } = createTestReceiver(options)
    expect((await receiver.fetch(new Request(url, { method: 'POST', body: altered }))).status).toBe(500)
    expect(errors).toMatchObject([{ error: { code: 'BODY_NOT_COVERED' } }])
    expect(handler).not.toHaveBeenCalled()
  })

  it("accepts them with uncoveredBody 'accept', and reports what was proven", async () => {
    const { receiver, handler, outcomes } = counting(mailgun, { uncoveredBody: 'accept' })
    expect((await receiver.fetch(new Request(url, { method: 'POST', body: altered }))).status).toBe(200)
    expect(handler.mock.calls[0]![0]).toMatchObject({ id: token, type: 'opened' })
    expect(outcomes[0]?.proof?.covers).toEqual(['timestamp', 'token'])
  })
})

describe('createReceiver with a scheme that has the type in the body', () => {
  // As Intercom sends it: its own `type` is the same for all, and events went to onUnknown under that.
  const topic = 'conversation.user.created'
  const body = JSON.stringify({ type: 'notification_event', topic, id: 'notif_1', data: { item: { id: '7' } } })
  const expected = { id: 'notif_1', type: topic, data: { item: { id: '7' } } }

  it('runs the handler of the topic of Intercom', async () => {
    const handler = vi.fn<EventHandler>()
    const { receiver, handler: onUnknown, outcomes } = counting(intercom, { on: { [topic]: handler } })
    expect((await receiver.fetch(await signed(intercom, body))).status).toBe(200)
    expect([handler.mock.calls.length, onUnknown.mock.calls.length]).toEqual([1, 0])
    expect(handler.mock.calls[0]![0]).toMatchObject(expected)
    expect(outcomes).toMatchObject([{ result: 'processed', type: topic }])
  })

  it('runs it after the answer too, and of a record that is recovered', async () => {
    const handler = vi.fn<EventHandler>().mockRejectedValueOnce(new Error('first'))
    const mode = { acknowledge: 'after-store', endpoint: 'intercom', idempotency: durableMemory() }
    const { receiver, handler: onUnknown } = counting(intercom, { ...mode, on: { [topic]: handler } })
    expect((await receiver.fetch(await signed(intercom, body))).status).toBe(200)
    await receiver.idle()
    expect(await receiver.recover()).toEqual({ processed: 1, failed: 0 })
    expect(onUnknown).not.toHaveBeenCalled()
    for (const [event] of handler.mock.calls) expect(event).toMatchObject(expected)
    expect(handler).toHaveBeenCalledTimes(2)
  })

  it('takes the type of the body where that of the scheme is not there', async () => {
    const handler = vi.fn<EventHandler>()
    const { receiver } = counting(intercom, { on: { ping: handler } })
    await receiver.fetch(await signed(intercom, '{"type":"ping","data":1}'))
    expect(handler.mock.calls[0]![0]).toMatchObject({ type: 'ping', data: 1 })
  })

  it.each([github, shopify])(
    'leaves a header of $name, which nobody signed, behind the signed body',
    async (scheme) => {
      const [handler, other] = [vi.fn<EventHandler>(), vi.fn<EventHandler>()]
      const { receiver } = counting(scheme, { on: { 'order.paid': handler, 'order.refunded': other } })
      const signer = new Signer({ secret, scheme })
      const send = async (text: string, id: string) => {
        const headers = await signer.sign({ id, type: 'order.refunded', body: text })
        await receiver.fetch(new Request(url, { method: 'POST', headers, body: text }))
      }
      await send('{"type":"order.paid","data":1}', 'a')
      expect([handler.mock.calls.length, other.mock.calls.length]).toEqual([1, 0])
      await send('{"amount":1}', 'b')
      expect([handler.mock.calls.length, other.mock.calls.length]).toEqual([1, 1])
    },
  )
})

describe('createReceiver with schemes that sign some members of the body', () => {
  it.each(['awsSns', 'adyen'])('%s: takes neither type nor data from what is not signed', async (name) => {
    const signedRequest = requestOf(name)
    const { headers, body } = signedRequest.input
    const members = JSON.parse(body) as object // the body of a fixture
    const handler = vi.fn<EventHandler>()
    const onUnknown = vi.fn<EventHandler>()
    const on = { 'order.paid': handler }
    const { receiver } = createTestReceiver({ verifier: verifierOf(signedRequest), on, onUnknown })
    const added = JSON.stringify({ ...members, type: 'order.paid', data: { amount: 1e9 } })
    await receiver.fetch(new Request(url, { method: 'POST', headers, body: added }))
    expect(handler).not.toHaveBeenCalled()
    expect(onUnknown.mock.calls[0]![0].data).toMatchObject(members)
  })
})

describe('createReceiver with every scheme', () => {
  // A form is no JSON, and asks for a readEnvelope of its own.
  const readEnvelope = () => ({ type: 'any', data: null })

  it.each(signedRequests)('$name: gives a handler what is signed, and nothing else', async (request) => {
    const handler = vi.fn<EventHandler>()
    const receive = () =>
      createTestReceiver({ uncoveredBody: 'accept', readEnvelope, on: { any: handler }, verifier: verifierOf(request) })
    const { method = 'POST', headers, body, url: at = url } = request.input
    const hasBody = method !== 'GET'
    const target = at.startsWith('/') ? `https://app.example${at}` : at
    const requestWith = (changed: RequestInit) =>
      new Request(target, { method, headers, body: hasBody ? body : null, ...changed })

    const { receiver, outcomes } = receive()
    expect((await receiver.fetch(requestWith({}))).status).toBe(200)
    const isHandshake = outcomes[0]?.result === 'handshake'
    expect(handler).toHaveBeenCalledTimes(isHandshake ? 0 : 1)
    handler.mockClear()
    const isCovered = hasBody && outcomes[0]?.proof?.covers.includes('body') === true
    const forgeries = [{ headers: {}, body: hasBody ? `${body} ` : null }, ...(isCovered ? [{ body: `${body} ` }] : [])]
    for (const forged of forgeries) await receive().receiver.fetch(requestWith(forged))
    // Where nothing but members of the body is signed, a space behind it is no forgery.
    const isInBody = ['aws-sns', 'adyen', 'mailgun'].includes(verifierOf(request).scheme.name)
    expect(handler).toHaveBeenCalledTimes(isInBody && !isHandshake ? 1 : 0)
  })
})

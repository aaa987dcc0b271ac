import {
  createReceiver,
  defineEvents,
  type EventHandler,
  memoryIdempotency,
  type PosthornError,
  type ReceivedEvent,
} from 'posthorn/receiver'
import { generateSecret, ipaScheme, Signer, Verifier } from 'posthorn/verify'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { serve } from '../http/servers.ts'
import { createTestReceiver, paid, secret, signedRequest, url } from './receiver-fixture.ts'

const events = defineEvents({
  'order.paid': z.object({ orderId: z.string(), currency: z.string().default('EUR') }),
  'order.sent': z.object({ orderId: z.string() }),
})

describe('createReceiver', () => {
  it('gives a handler the event that was verified, parsed and validated', async () => {
    const seen: ReceivedEvent[] = []
    const { receiver, outcomes } = createTestReceiver({
      events,
      on: { 'order.paid': (event) => void seen.push(event) },
    })
    const response = await receiver.fetch(await signedRequest())
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(seen).toMatchObject([
      {
        id: 'msg_1',
        type: 'order.paid',
        data: { orderId: 'o1', currency: 'EUR' },
        attempt: 1,
        webhook: { keyIndex: 0 },
      },
    ])
    expect(outcomes).toMatchObject([
      {
        result: 'processed',
        status: 200,
        code: null,
        endpoint: 'default',
        type: 'order.paid',
        eventId: 'msg_1',
        flags: [],
      },
    ])
    expect(outcomes[0]?.durationMs).toBeGreaterThanOrEqual(0)
  })

  it('takes any type with any data without a catalogue', async () => {
    const handler = vi.fn<EventHandler>()
    const { receiver } = createTestReceiver({ on: { 'order.paid': handler } })
    await receiver.fetch(await signedRequest())
    expect(handler).toHaveBeenCalledOnce()
    expect(handler.mock.calls[0]?.[0]).toMatchObject({ data: { orderId: 'o1' } })
  })

  it('answers the Response of a handler', async () => {
    const on = { 'order.paid': () => Response.json({ type: 1 }, { headers: { 'x-answer': 'yes' } }) }
    const response = await createTestReceiver({ events, on }).receiver.fetch(await signedRequest())
    expect([response.headers.get('x-answer'), await response.json()]).toEqual(['yes', { type: 1 }])
  })

  it('answers with the same Response again, whose body could be read once', async () => {
    const accepted = new Response('[accepted]', { headers: { 'x-answer': 'yes' } })
    const { receiver, errors } = createTestReceiver({ on: { 'order.paid': () => accepted } })
    for (const id of ['a', 'b', 'c']) {
      const response = await receiver.fetch(await signedRequest({ id }))
      expect([response.headers.get('x-answer'), await response.text()]).toEqual(['yes', '[accepted]'])
    }
    expect(errors).toEqual([])
  })

  it('takes a Response that cannot be sent for a failure', async () => {
    const used = new Response('text')
    await used.text()
    for (const returned of [used, Response.error()]) {
      const { receiver, errors, outcomes } = createTestReceiver({ on: { 'order.paid': () => returned } })
      expect((await receiver.fetch(await signedRequest())).status).toBe(500)
      expect(errors).toMatchObject([{ context: { during: 'handler' } }])
      expect(outcomes).toMatchObject([{ result: 'failed', status: 500 }])
    }
  })

  it('passes on nothing but the status of a Response that was fetched', async () => {
    const origin = await serve((_request, response) => {
      response.writeHead(202, { 'set-cookie': 'inner=1', 'content-encoding': 'identity' }).end('of a server within')
    })
    const inner = [await fetch(origin), await fetch(origin)]
    await inner[1]!.text()
    for (const [nth, returned] of inner.entries()) {
      const { receiver } = createTestReceiver({ on: { 'order.paid': () => returned } })
      const response = await receiver.fetch(await signedRequest({ id: `msg_${nth}` }))
      expect([response.status, [...response.headers], await response.text()]).toEqual([202, [], ''])
      // Or it would hold its connection.
      expect(returned.bodyUsed).toBe(true)
    }
  })

  it('reads the type in the header of a scheme that has one, and the whole body as data', async () => {
    const handler = vi.fn<EventHandler>()
    const verifier = new Verifier({ secret, scheme: ipaScheme })
    const { receiver, outcomes } = createTestReceiver({ verifier, on: { 'order.paid': handler } })
    const body = '{"orderId": "o1"}'
    const headers = await new Signer({ secret, scheme: ipaScheme }).sign({ id: 'msg_1', type: 'order.paid', body })
    expect((await receiver.fetch(new Request(url, { method: 'POST', headers, body }))).status).toBe(200)
    expect(handler.mock.calls[0]?.[0]).toMatchObject({ id: null, data: { orderId: 'o1' } })
    expect(outcomes).toMatchObject([{ flags: ['NO_EVENT_ID'] }])
  })

  it('believes the type in the signed body before that in a header, which is not signed', async () => {
    const [handler, other] = [vi.fn<EventHandler>(), vi.fn<EventHandler>()]
    const verifier = new Verifier({ secret, scheme: ipaScheme })
    const { receiver } = createTestReceiver({ verifier, on: { 'order.paid': handler, 'order.refunded': other } })
    const headers = await new Signer({ secret, scheme: ipaScheme }).sign({
      id: 'msg_1',
      type: 'order.refunded',
      body: paid,
    })
    await receiver.fetch(new Request(url, { method: 'POST', headers, body: paid }))
    expect([handler.mock.calls.length, other.mock.calls.length]).toEqual([1, 0])
  })

  it('asks readEnvelope where type and data are', async () => {
    const handler = vi.fn<EventHandler>()
    const { receiver } = createTestReceiver({
      on: { 'message.posted': handler },
      readEnvelope: ({ rawBody }) => {
        const form = new URLSearchParams(new TextDecoder().decode(rawBody))
        return { type: form.get('event'), data: form.get('text') }
      },
    })
    await receiver.fetch(await signedRequest({ body: 'event=message.posted&text=hi' }))
    expect(handler.mock.calls[0]?.[0]).toMatchObject({ data: 'hi' })
  })

  it('answers 500 where readEnvelope gives no envelope, or throws', async () => {
    for (const readEnvelope of [() => ({ type: 5, data: 1 }), () => 'x', () => Promise.reject(new Error('no'))]) {
      // @ts-expect-error wrong envelopes
      const { receiver, errors } = createTestReceiver({ on: {}, readEnvelope })
      expect((await receiver.fetch(await signedRequest())).status).toBe(500)
      expect(errors).toMatchObject([{ context: { during: 'parse' } }])
    }
  })
})

describe('createReceiver with a type that it does not know', () => {
  const strange = JSON.stringify({ type: 'order.lost', data: { orderId: 7 } })

  it('case 47: answers 200, and tells onUnknown', async () => {
    const onUnknown = vi.fn<EventHandler>()
    const { receiver, outcomes } = createTestReceiver({ events, on: {}, onUnknown })
    expect((await receiver.fetch(await signedRequest({ body: strange }))).status).toBe(200)
    expect(onUnknown.mock.calls[0]?.[0]).toMatchObject({ type: 'order.lost', data: { orderId: 7 } })
    expect(outcomes).toMatchObject([{ result: 'unhandled', type: 'order.lost' }])
  })

  it('answers 200 without onUnknown, also to a body without a type', async () => {
    const { receiver } = createTestReceiver({ events, on: {} })
    const bodies = [strange, '{"data":1}', '{"type":5}', '[]', 'null', '"text"', '17']
    const answers = bodies.map(async (body, nth) => receiver.fetch(await signedRequest({ body, id: `msg_${nth}` })))
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(bodies.map(() => 200))
  })

  it('does not check the data of a type that nobody handles', async () => {
    const { receiver } = createTestReceiver({ events, on: {} })
    expect((await receiver.fetch(await signedRequest({ body: '{"type":"order.sent","data":5}' }))).status).toBe(200)
  })

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])(
    'case 38: runs no handler for %j',
    async (type) => {
      const [handler, onUnknown] = [vi.fn<EventHandler>(), vi.fn<EventHandler>()]
      const { receiver } = createTestReceiver({ events, on: { 'order.paid': handler }, onUnknown })
      const body = JSON.stringify({ type, data: {} })
      expect((await receiver.fetch(await signedRequest({ body }))).status).toBe(200)
      expect([handler.mock.calls.length, onUnknown.mock.calls.length]).toEqual([0, 1])
    },
  )

  it('lets the sender try again where onUnknown throws', async () => {
    const onUnknown = vi.fn<EventHandler>().mockRejectedValueOnce(new Error('queue is away'))
    const { receiver } = createTestReceiver({ on: {}, onUnknown })
    expect((await receiver.fetch(await signedRequest())).status).toBe(500)
    expect((await receiver.fetch(await signedRequest())).status).toBe(200)
    expect(onUnknown).toHaveBeenCalledTimes(2)
  })
})

describe('createReceiver with data that does not fit', () => {
  const wrong = JSON.stringify({ type: 'order.paid', data: { orderId: 7 } })

  it('case 48: answers 422 and tells onReject the type and the path', async () => {
    const handler = vi.fn<EventHandler>()
    const { receiver, rejections, errors } = createTestReceiver({ events, on: { 'order.paid': handler } })
    const response = await receiver.fetch(await signedRequest({ body: wrong }))
    expect([response.status, await response.json()]).toEqual([422, { error: 'unprocessable event' }])
    const error = {
      code: 'PAYLOAD_SCHEMA',
      issues: [{ path: 'orderId' }],
      message: expect.stringContaining('order.paid'),
    }
    expect(rejections).toMatchObject([{ error, status: 422, type: 'order.paid', eventId: 'msg_1' }])
    expect([handler.mock.calls.length, errors]).toEqual([0, []])
  })

  it('lets the event in once the schema was repaired', async () => {
    const store = memoryIdempotency()
    const handler = vi.fn<EventHandler>()
    const loose = defineEvents({ 'order.paid': z.object({ orderId: z.number() }) })
    const on = { 'order.paid': handler }
    await createTestReceiver({ events, on, idempotency: store }).receiver.fetch(await signedRequest({ body: wrong }))
    const { receiver } = createTestReceiver({ events: loose, on, idempotency: store })
    expect((await receiver.fetch(await signedRequest({ body: wrong }))).status).toBe(200)
    expect(handler).toHaveBeenCalledOnce()
  })

  it("answers 200 with invalidData 'acknowledge', and tells onReject all the same", async () => {
    const { receiver, rejections, outcomes } = createTestReceiver({
      events,
      on: { 'order.paid': () => undefined },
      invalidData: 'acknowledge',
    })
    expect((await receiver.fetch(await signedRequest({ body: wrong }))).status).toBe(200)
    expect(rejections).toMatchObject([{ status: 200, error: { code: 'PAYLOAD_SCHEMA' } }])
    expect(outcomes).toMatchObject([{ result: 'invalid', status: 200, code: 'PAYLOAD_SCHEMA' }])
  })

  it('answers 500 where the schema itself throws', async () => {
    const broken = {
      '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('bug')) },
    } as const
    const { receiver, errors } = createTestReceiver({
      events: defineEvents({ 'order.paid': broken }),
      on: { 'order.paid': () => undefined },
    })
    expect((await receiver.fetch(await signedRequest())).status).toBe(500)
    expect(errors).toMatchObject([{ context: { during: 'validate' } }])
  })

  it('answers 400 to a signed body that is no JSON', async () => {
    const { receiver, rejections } = createTestReceiver({ on: {} })
    expect((await receiver.fetch(await signedRequest({ body: '{' }))).status).toBe(400)
    expect(rejections).toMatchObject([{ error: { code: 'PAYLOAD_INVALID' } }])
  })

  it('case 38: leaves own members named __proto__ out, at every depth', async () => {
    const datas: unknown[] = []
    const { receiver } = createTestReceiver({ on: { 'order.paid': ({ data }) => void datas.push(data) } })
    const body =
      '{"__proto__":{"x":1},"type":"order.paid","data":{"__proto__":{"isAdmin":true},"deep":[{"__proto__":{"isAdmin":true}}]}}'
    await receiver.fetch(await signedRequest({ body }))
    const [data] = datas as [{ deep: [object] }]
    expect(Object.hasOwn(data, '__proto__')).toBe(false)
    expect(Object.assign({}, data)).not.toHaveProperty('isAdmin')
    expect(Object.assign({}, data.deep[0])).not.toHaveProperty('isAdmin')
  })

  it('case 39: routes by the last of repeated names, which is also what the handler sees', async () => {
    const handler = vi.fn<EventHandler>()
    const { receiver } = createTestReceiver({ on: { b: handler } })
    await receiver.fetch(await signedRequest({ body: '{"type":"a","type":"b","data":1,"data":2}' }))
    expect(handler.mock.calls[0]?.[0]).toMatchObject({
      type: 'b',
      data: 2,
      webhook: { payload: { type: 'b', data: 2 } },
    })
  })
})

describe('createReceiver with what is not proven', () => {
  it('case 49: answers 401 with the same bytes for every reason, and runs nothing', async () => {
    const handler = vi.fn<EventHandler>()
    const { receiver, rejections, errors } = createTestReceiver({ on: { 'order.paid': handler }, onUnknown: handler })
    const good = await signedRequest()
    const requests = [
      await signedRequest({ signer: new Signer({ secret: generateSecret() }) }),
      await signedRequest({ at: new Date(Date.now() - 400_000) }),
      await signedRequest({ at: new Date(Date.now() + 400_000) }),
      new Request(url, { method: 'POST', body: paid }),
      new Request(url, { method: 'POST', headers: good.headers, body: paid.replace('o1', 'o2') }),
      new Request(url, { method: 'GET', headers: good.headers }),
    ]
    const answers = await Promise.all(requests.map((request) => receiver.fetch(request)))
    expect(answers.map(({ status }) => status)).toEqual(requests.map(() => 401))
    const bodies = await Promise.all(answers.map((answer) => answer.text()))
    expect(new Set(bodies)).toEqual(new Set(['{"error":"unauthorized"}']))
    expect(rejections.map(({ error }) => error.code).toSorted()).toEqual([
      'HEADER_MISSING',
      'SIGNATURE_MISMATCH',
      'SIGNATURE_MISMATCH',
      'SIGNATURE_MISMATCH',
      'TIMESTAMP_TOO_NEW',
      'TIMESTAMP_TOO_OLD',
    ])
    expect([handler.mock.calls.length, errors]).toEqual([0, []])
  })

  it('tells no secret, no signature and no body to anybody', async () => {
    const { receiver, rejections, outcomes } = createTestReceiver({ on: {} })
    const marker = 'never-in-an-error'
    const request = await signedRequest({
      body: `{"type":"order.paid","data":"${marker}"}`,
      signer: new Signer({ secret: generateSecret() }),
    })
    const signature = request.headers.get('webhook-signature')!
    const answer = await receiver.fetch(request)
    const invalid = await receiver.fetch(await signedRequest({ body: `{"${marker}` }))
    const told = [
      ...rejections.map(({ error }) => `${error.stack} ${JSON.stringify(error)}`),
      JSON.stringify(rejections),
    ]
    const texts = [await answer.text(), await invalid.text(), ...told, JSON.stringify(outcomes)].join('\n')
    for (const text of [marker, secret.slice(6), signature.slice(3)]) expect(texts).not.toContain(text)
  })

  it('case 37: answers 413 while a body that is too long still comes in', async () => {
    let isCancelled = false
    let pulls = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulls++
        controller.enqueue(new Uint8Array(1_000))
      },
      cancel: () => void (isCancelled = true),
    })
    const { headers } = await signedRequest()
    const verifier = new Verifier({ secret, maxBodyBytes: 10_000 })
    const { receiver, rejections } = createTestReceiver({ verifier, on: {} })
    const init: RequestInit & { duplex: 'half' } = { method: 'POST', headers, body: endless, duplex: 'half' }
    const answer = await receiver.fetch(new Request(url, init))
    expect([answer.status, isCancelled]).toEqual([413, true])
    expect(pulls).toBeLessThan(15)
    expect(rejections).toMatchObject([{ error: { code: 'BODY_TOO_LARGE' } }])
  })

  it('answers 500 where the body was read before, and names the line to change', async () => {
    const { receiver, errors } = createTestReceiver({ on: {} })
    const request = await signedRequest()
    await request.json()
    expect((await receiver.fetch(request)).status).toBe(500)
    const message = expect.stringContaining('await request.clone().json()') as string
    expect(errors).toMatchObject([{ error: { code: 'RAW_BODY_REQUIRED', message } }])
  })

  it('answers 503 where the verifier cannot reach its keys, and 500 where it has a bug', async () => {
    const failing = async (fault: Error) => {
      const verifier = { verify: () => Promise.reject(fault) }
      return await createTestReceiver({ verifier, on: {} }).receiver.fetch(await signedRequest())
    }
    expect((await failing(new TypeError('bug'))).status).toBe(500)
    const { PosthornError } = await import('posthorn/receiver')
    expect((await failing(new PosthornError('STORAGE_UNAVAILABLE', 'no keys'))).status).toBe(503)
  })
})

describe('createReceiver with a handler that fails', () => {
  it('case 42: answers 500, tells onError, and lets the next attempt in', async () => {
    const failure = new Error('database is away')
    const handler = vi.fn<EventHandler>().mockRejectedValueOnce(failure)
    const { receiver, errors, outcomes } = createTestReceiver({ on: { 'order.paid': handler } })
    const first = await receiver.fetch(await signedRequest({ at: new Date(Date.now() - 10_000) }))
    expect([first.status, await first.json()]).toEqual([500, { error: 'internal error' }])
    expect(errors).toEqual([{ error: failure, context: { during: 'handler', type: 'order.paid', eventId: 'msg_1' } }])
    expect((await receiver.fetch(await signedRequest())).status).toBe(200)
    expect((await receiver.fetch(await signedRequest())).status).toBe(200)
    expect(handler).toHaveBeenCalledTimes(2)
    expect(outcomes.map(({ result }) => result)).toEqual(['failed', 'processed', 'duplicate'])
  })

  it('takes a Response that is not 2xx for a failure, and answers it', async () => {
    const handler = vi.fn<EventHandler>().mockReturnValueOnce(new Response('busy', { status: 429 }))
    const { receiver, outcomes } = createTestReceiver({ on: { 'order.paid': handler } })
    const answer = await receiver.fetch(await signedRequest())
    expect([answer.status, await answer.text()]).toEqual([429, 'busy'])
    expect((await receiver.fetch(await signedRequest())).status).toBe(200)
    expect(outcomes.map(({ result, status }) => [result, status])).toEqual([
      ['failed', 429],
      ['processed', 200],
    ])
  })

  it('is not touched by listeners that fail', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const fail = () => {
      throw new Error('listener')
    }
    const { receiver } = createTestReceiver({
      on: {},
      onOutcome: fail,
      onReject: fail,
      onError: () => Promise.reject(new Error('listener')),
    })
    expect((await receiver.fetch(await signedRequest())).status).toBe(200)
    expect((await receiver.fetch(new Request(url, { method: 'POST' }))).status).toBe(401)
    await receiver.idle()
    expect(print).toHaveBeenCalledTimes(3)
    print.mockRestore()
  })

  it('prints errors unless told otherwise', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const receiver = createReceiver({
      verifier: new Verifier({ secret }),
      idempotency: 'none',
      on: { 'order.paid': () => Promise.reject(new Error('shown')) },
    })
    await receiver.fetch(await signedRequest())
    expect(print.mock.calls).toMatchObject([[expect.stringContaining('Posthorn'), { message: 'shown' }]])
    print.mockRestore()
  })
})

describe('createReceiver with wrong options', () => {
  const verifier = new Verifier({ secret })
  const right = { verifier, idempotency: 'none', on: {} } as const

  it.each([
    [undefined, 'options object'],
    [{ ...right, verifier: undefined }, 'new Verifier({ secret })'],
    [{ ...right, idempotency: undefined }, "idempotency: 'none'"],
    [{ ...right, idempotency: {} }, "idempotency: 'none'"],
    [{ ...right, on: undefined }, '{ on }'],
    [{ ...right, on: { a: 5 } }, 'on["a"] must be a function'],
    [{ ...right, events, on: { 'order.lost': () => 1 } }, 'no type of the catalogue'],
    [{ ...right, acknowledge: 'first' }, 'acknowledge'],
    [{ ...right, invalidData: 'drop' }, 'invalidData'],
    [{ ...right, uncoveredBody: true }, 'uncoveredBody'],
    [{ ...right, endpoint: 'a b' }, 'endpoint'],
    [{ ...right, endpoint: '' }, 'endpoint'],
    [{ ...right, onReject: 'log' }, 'onReject'],
    [{ ...right, onError: 'log' }, 'onError'],
    [{ ...right, onOutcome: 'log' }, 'onOutcome'],
    [{ ...right, onUnknown: 'log' }, 'onUnknown'],
    [{ ...right, readEnvelope: 'log' }, 'readEnvelope'],
    [{ ...right, waitUntil: 'log' }, 'waitUntil'],
    [{ ...right, onUnkown: () => 1 }, '"onUnkown"'],
  ])('refuses %j', (options, part) => {
    // @ts-expect-error wrong options
    expect(() => createReceiver(options)).toThrow(part)
  })

  it('refuses to be called with a request of another kind', async () => {
    const { receiver } = createTestReceiver({ on: {} })
    // @ts-expect-error no Request
    await expect(receiver.fetch({ headers: {}, body: {} })).rejects.toThrow('toExpressHandler')
  })

  it('keeps what a Verifier is told', async () => {
    const rejections: PosthornError[] = []
    const strict = new Verifier({ secret, maxBodyBytes: 5 })
    const receiver = createReceiver({
      ...right,
      verifier: strict,
      onReject: ({ error }) => void rejections.push(error),
    })
    expect((await receiver.fetch(await signedRequest())).status).toBe(413)
    expect(rejections).toMatchObject([{ code: 'BODY_TOO_LARGE' }])
  })
})

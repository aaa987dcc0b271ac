import type { ALBEvent, ALBHandler, APIGatewayProxyHandler, APIGatewayProxyHandlerV2, Context } from 'aws-lambda'
import { type EventHandler, type LambdaEvent, toLambdaHandler, type VerifyInput } from 'posthorn/receiver'
import { describe, expect, it, vi } from 'vitest'
import { createTestReceiver, durableMemory, signedHeaders } from '../receiver-fixture.ts'
import { awkward, countingReceiver } from './bridge-fixture.ts'
import { albEvent, restEvent, httpEvent } from './lambda-events.ts'

const forms = {
  'format 1.0': restEvent,
  'format 2.0': httpEvent,
  'a load balancer': albEvent,
  'a load balancer with multi-value headers': (headers: Record<string, string>, body: string): ALBEvent => {
    const { headers: single = {}, ...event } = albEvent(headers, body)
    const several = Object.entries(single).map(([name, value]) => [name, [value ?? '']])
    return { ...event, multiValueHeaders: Object.fromEntries(several) as Record<string, string[]> }
  },
}

describe('toLambdaHandler', () => {
  describe.each(Object.entries(forms))('with an event of %s', (_, makeEvent) => {
    it('takes text and base64', async () => {
      const { receiver, handler } = countingReceiver()
      const lambda = toLambdaHandler(receiver)
      const event: LambdaEvent = makeEvent(await signedHeaders({ body: awkward }), awkward)
      expect(await lambda(event)).toMatchObject({ statusCode: 200, body: '', isBase64Encoded: false })
      const body = Buffer.from(awkward).toString('base64')
      expect(await lambda({ ...event, body, isBase64Encoded: true })).toMatchObject({ statusCode: 200 })
      expect(handler).toHaveBeenCalledOnce()
      expect(handler.mock.calls[0]![0].data).toMatchObject({ b: 'é/' })
    })

    it('turns away what is forged, empty, too long, and base64 that is none', async () => {
      const { receiver, rejections } = countingReceiver()
      const lambda = toLambdaHandler(receiver)
      const event: LambdaEvent = makeEvent(await signedHeaders({ body: awkward }), `${awkward} `)
      const answers = [
        event,
        { ...event, body: null },
        { ...event, body: 'x'.repeat(20_000) },
        { ...event, isBase64Encoded: true },
      ]
      const statuses = []
      for (const wrong of answers) statuses.push((await lambda(wrong)).statusCode)
      expect(statuses).toEqual([401, 401, 413, 400])
      expect(rejections.map(({ error }) => error.code)).toContain('BODY_UNREADABLE')
    })

    it('answers 500 where event.body was parsed, and names the line to change', async () => {
      const { receiver, errors } = countingReceiver()
      const event = makeEvent(await signedHeaders({ body: awkward }), awkward)
      const body = JSON.parse(awkward) as string // what middy's parser leaves in its place
      expect(await toLambdaHandler(receiver)({ ...event, body })).toMatchObject({ statusCode: 500 })
      const message = expect.stringContaining('httpJsonBodyParser()) must go') as string
      expect(errors).toMatchObject([{ error: { code: 'RAW_BODY_REQUIRED', message } }])
    })
  })

  it('gives the verifier method and URL as they were sent', async () => {
    const seen: string[] = []
    const verify = (input: VerifyInput) => {
      seen.push(`${input.method} ${input.url}`)
      return Promise.reject(new Error('not this time'))
    }
    const { receiver } = createTestReceiver({ verifier: { verify }, on: {} })
    const lambda = toLambdaHandler(receiver)
    await lambda(restEvent({}, ''))
    await lambda(httpEvent({}, ''))
    await lambda(albEvent({}, ''))
    expect(seen).toEqual([
      'POST https://api.example.com/webhooks?a=1&a=2%202&b=%C3%BC',
      'POST https://abc.lambda-url.eu-west-1.on.aws/webhooks?a=1&a=2%202',
      'POST https://localhost/webhooks?a=1%201',
    ])
  })

  it('answers several values to a load balancer that sent them, and base64 where the body is no text', async () => {
    const { receiver, handler } = countingReceiver()
    const bytes = new Uint8Array([0xff, 0xfe])
    handler.mockReturnValueOnce(new Response(bytes, { headers: { 'x-a': 'b' } }))
    const makeEvent = forms['a load balancer with multi-value headers']
    const answer = await toLambdaHandler(receiver)(makeEvent(await signedHeaders({ body: awkward }), awkward))
    expect(answer).toMatchObject({ multiValueHeaders: { 'x-a': ['b'] }, body: '//4=', isBase64Encoded: true })
  })

  it('leaves out headers that no Headers can hold, for which a signed request was refused and nobody told', async () => {
    const { receiver, handler, rejections } = countingReceiver()
    const lambda = toLambdaHandler(receiver)
    for (const [id, makeEvent] of Object.entries(forms).map(([, make], nth) => [`msg_${nth}`, make] as const)) {
      const headers = {
        ...(await signedHeaders({ body: awkward, id })),
        'x-name': '\u20ac',
        'x name': 'a',
        'x-line': 'a\nb',
      }
      expect(await lambda(makeEvent(headers, awkward))).toMatchObject({ statusCode: 200 })
    }
    expect(handler).toHaveBeenCalledTimes(4)
    // Without a signature it is refused as any other, and onReject hears of it.
    expect(await lambda(httpEvent({ 'x-name': '\u20ac' }, ''))).toMatchObject({ statusCode: 401 })
    expect(await lambda(httpEvent({ 'webhook-id': '\u20ac' }, ''))).toMatchObject({ statusCode: 401 })
    expect(rejections.map(({ error }) => error.code)).toEqual(['HEADER_MISSING', 'HEADER_MISSING'])
  })

  it.each([undefined, null, 'text'])('takes an event whose requestContext is %j', async (requestContext) => {
    const { receiver, handler } = countingReceiver()
    const event = {
      ...restEvent(await signedHeaders({ body: awkward }), awkward),
      requestContext,
    } as unknown as LambdaEvent
    expect(await toLambdaHandler(receiver)(event)).toMatchObject({ statusCode: 200 })
    expect(handler).toHaveBeenCalledOnce()
  })

  it('answers 400 to what no Request can be: TRACE', async () => {
    const { receiver, handler } = countingReceiver()
    const lambda = toLambdaHandler(receiver)
    expect(await lambda({ ...restEvent({}, ''), httpMethod: 'TRACE' })).toMatchObject({ statusCode: 400, body: '' })
    expect(handler).not.toHaveBeenCalled()
  })

  it('returns when the work is done, also after-store: the process is stopped then', async () => {
    let isDone = false
    const handler = vi.fn<EventHandler>(async () => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      isDone = true
    })
    const mode = { acknowledge: 'after-store', endpoint: 'orders' } as const
    const { receiver } = createTestReceiver({ ...mode, idempotency: durableMemory(), on: { 'order.paid': handler } })
    await toLambdaHandler(receiver)(httpEvent(await signedHeaders({ body: awkward }), awkward))
    expect(isDone).toBe(true)
  })

  it('has the types of @types/aws-lambda', async () => {
    const lambda = toLambdaHandler(countingReceiver().receiver)
    const [rest, http, alb]: [APIGatewayProxyHandler, APIGatewayProxyHandlerV2, ALBHandler] = [lambda, lambda, lambda]
    const context = {} as Context // no handler of ours reads it
    expect(await rest(restEvent({}, ''), context, () => undefined)).toMatchObject({ statusCode: 401 })
    expect(await http(httpEvent({}, ''), context, () => undefined)).toMatchObject({ statusCode: 401 })
    expect(await alb(albEvent({}, ''), context, () => undefined)).toMatchObject({ statusCode: 401 })
  })
})

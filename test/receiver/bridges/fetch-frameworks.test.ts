import { serve as serveHono } from '@hono/node-server'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { describe, expect, it, onTestFinished } from 'vitest'
import { signedRequest } from '../receiver-fixture.ts'
import { awkward, countingReceiver, deliver, deliverWrong, refusals } from './bridge-fixture.ts'

async function listening(app: Hono): Promise<string> {
  const server = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  onTestFinished(() => void server.close())
  if (server.address() === null) await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`
}

describe('receiver.fetch on Hono', () => {
  it('is the handler', async () => {
    const { receiver, handler } = countingReceiver()
    const url = await listening(new Hono().all('/webhooks', (context) => receiver.fetch(context.req.raw)))
    expect([await deliver(url), await deliver(url)]).toEqual([200, 200])
    expect(handler).toHaveBeenCalledOnce()
    expect(await deliverWrong(url)).toEqual(refusals)
  })

  it('works behind middleware that reads a copy', async () => {
    const { receiver } = countingReceiver()
    const app = new Hono().use(async (context, next) => {
      await context.req.raw.clone().json()
      await next()
    })
    expect(await deliver(await listening(app.post('/webhooks', (context) => receiver.fetch(context.req.raw))))).toBe(
      200,
    )
  })

  it('answers 500 behind a JSON parser, and names the line to change', async () => {
    const { receiver, errors } = countingReceiver()
    const app = new Hono().use(async (context, next) => {
      await context.req.json()
      await next()
    })
    expect(await deliver(await listening(app.post('/webhooks', (context) => receiver.fetch(context.req.raw))))).toBe(
      500,
    )
    const message = expect.stringContaining('Hono: c.req.json()') as string
    expect(errors).toMatchObject([{ error: { code: 'RAW_BODY_REQUIRED', message } }])
  })
})

describe('receiver.fetch as a route handler', () => {
  it('is one of Next.js, which passes params beside the request', async () => {
    const { receiver } = countingReceiver()
    const POST: (request: Request, context: { params: Promise<object> }) => Promise<Response> = receiver.fetch
    expect((await POST(await signedRequest({ body: awkward }), { params: Promise.resolve({}) })).status).toBe(200)
  })

  it('is one of SvelteKit and Remix, which pass the request in an object', async () => {
    const { receiver } = countingReceiver()
    const POST = ({ request }: { request: Request }) => receiver.fetch(request)
    expect((await POST({ request: await signedRequest({ body: awkward }) })).status).toBe(200)
  })

  it('is one of Workers, with the waitUntil of their context', async () => {
    const { receiver } = countingReceiver()
    const worker = {
      fetch: (request: Request, _env: object, context: { waitUntil(promise: Promise<unknown>): void }) =>
        receiver.fetch(request, context),
    }
    const answer = await worker.fetch(await signedRequest({ body: awkward }), {}, { waitUntil: () => undefined })
    expect(answer.status).toBe(200)
  })
})

import { once } from 'node:events'
import {
  connect,
  createServer,
  type ClientHttp2Session,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { toNodeListener } from 'posthorn/http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { buildApi, input } from './api-fixture.ts'
import { deferred } from './deferred.ts'

/** A client, and the server's side of its requests. */
interface Connection {
  readonly session: ClientHttp2Session
  readonly streams: readonly ServerHttp2Stream[]
}

/** Serves HTTP/2 on loopback and connects to it, until the test is over. */
async function connected(handler: (request: Request) => Promise<Response>): Promise<Connection> {
  const server = createServer(toNodeListener(handler))
  const streams: ServerHttp2Stream[] = []
  server.on('stream', (stream) => void streams.push(stream))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => {
    session.destroy()
    server.close()
  })
  return { session, streams }
}

/** Sends a request, its body without a length, and answers what came back. */
async function send(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string | Uint8Array) {
  const stream = session.request(headers, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  const [answerHeaders] = await once(stream, 'response', { signal: AbortSignal.timeout(5_000) })
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return { status: Number(answerHeaders[':status']), text }
}

const json = { 'content-type': 'application/json' }

describe('toNodeListener on node:http2', () => {
  it('serves the API, a body without a length included', async () => {
    const { api, errors } = buildApi()
    const { session } = await connected(api)
    const post = { ':method': 'POST', ':path': '/webhooks', ...json }
    const created = await send(session, post, JSON.stringify(input()))
    expect(created.status, created.text).toBe(201)
    const path = `/webhooks/${JSON.parse(created.text).id}`
    expect(await send(session, { ':path': path })).toMatchObject({ status: 200 })
    expect(await send(session, { ':method': 'HEAD', ':path': path })).toMatchObject({ status: 200, text: '' })
    expect(await send(session, { ':method': 'POST', ':path': `${path}/rotate-secret` })).toMatchObject({ status: 200 })
    expect(await send(session, { ':method': 'DELETE', ':path': path })).toMatchObject({ status: 204 })
    expect(await send(session, post)).toMatchObject({ status: 400 })
    expect(errors).toEqual([])
  })

  it('hands over method, URL, headers and cookies, without the pseudo headers', async () => {
    const { session } = await connected(async (request) =>
      Response.json([request.method, request.url, Object.fromEntries(request.headers), await request.text()]),
    )
    const headers = { ':method': 'PATCH', ':authority': 'example.com:8000', ':path': '/a?b=%20c', 'x-one': '1' }
    const { text } = await send(session, { ...headers, cookie: ['a=1', 'b=2'] }, 'péage')
    expect(JSON.parse(text)).toEqual([
      'PATCH',
      'http://example.com:8000/a?b=%20c',
      { cookie: 'a=1; b=2', 'x-one': '1' },
      'péage',
    ])
  })

  it.each(['/x/../a', '/%2e%2e/a', '/a\\b', '/a#b'])('answers 404 to the path %s', async (path) => {
    const { session } = await connected(async () => new Response('reached'))
    expect(await send(session, { ':path': path })).toMatchObject({ status: 404 })
    expect(await send(session, { ':method': 'HEAD', ':path': path })).toMatchObject({ status: 404, text: '' })
  })

  it.each(['TRACE', 'TRACK', 'trace'])('answers 405 to %s', async (method) => {
    const { session } = await connected(async () => new Response('reached'))
    expect(await send(session, { ':method': method, ':path': '/' })).toMatchObject({ status: 405 })
  })

  it('leaves out the body of get and head, however they are written', async () => {
    const { session } = await connected(async (request) => new Response(`${request.method} ${request.body === null}`))
    expect((await send(session, { ':method': 'get', ':path': '/' }, 'body')).text).toBe('GET true')
  })

  it('answers 413 and closes the stream, not the connection', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error) => void warnings.push(warning)
    process.on('warning', onWarning)
    onTestFinished(() => void process.off('warning', onWarning))
    const { session, streams } = await connected(buildApi().api)
    const headers = { ':method': 'POST', ':path': '/webhooks', ...json }
    expect(await send(session, headers, new Uint8Array(900_000))).toMatchObject({ status: 413 })
    const long = await send(session, headers, new Uint8Array(8_000_000))
    expect(long).toMatchObject({ status: 413 })
    expect(JSON.parse(long.text)).toMatchObject({ code: 'BODY_TOO_LARGE' })
    await vi.waitFor(() => expect(streams.map((stream) => stream.closed)).toEqual([true, true]))
    expect(await send(session, { ':path': '/event-types' })).toMatchObject({ status: 200 })
    expect(warnings).toEqual([])
  })

  it('aborts the signal and fails the body when the client breaks off', async () => {
    const signals: AbortSignal[] = []
    const failure = deferred<unknown>()
    const { session } = await connected(async (request) => {
      signals.push(request.signal)
      await request.text().catch(failure.resolve)
      return new Response()
    })
    const stream = session.request({ ':method': 'POST', ':path': '/' })
    stream.on('error', () => {})
    stream.write('{}')
    await vi.waitFor(() => expect(signals).toHaveLength(1))
    stream.destroy(new Error('broken off'))
    expect(String(await failure.promise)).toContain('closed before the body was complete')
    await vi.waitFor(() => expect(signals[0]?.aborted).toBe(true))
  })

  it('fails the body of a client that left before it was read', async () => {
    const failure = deferred<unknown>()
    const { session, streams } = await connected(async (request) => {
      await once(request.signal, 'abort')
      failure.resolve(await request.text().catch((error: unknown) => error))
      return new Response()
    })
    const stream = session.request({ ':method': 'POST', ':path': '/' })
    stream.on('error', () => {})
    stream.write('{}')
    await vi.waitFor(() => expect(streams).toHaveLength(1))
    stream.destroy(new Error('broken off'))
    expect(String(await failure.promise)).toContain('closed before the body was complete')
  })

  it('fails the body that is read after the answer', async () => {
    const failure = deferred<unknown>()
    const answered = deferred<void>()
    const { session } = await connected(async (request) => {
      void answered.promise.then(() => request.text()).catch(failure.resolve)
      return new Response('done')
    })
    expect((await send(session, { ':method': 'POST', ':path': '/' }, 'unread')).text).toBe('done')
    answered.resolve()
    expect(String(await failure.promise)).toContain('answered before its body was read')
  })

  it('does not abort the signal of a request that was answered', async () => {
    const signals: AbortSignal[] = []
    const { session } = await connected(async (request) => {
      signals.push(request.signal)
      return new Response('done')
    })
    await send(session, { ':path': '/' })
    await send(session, { ':path': '/' })
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false])
  })

  it('writes a body larger than the window, and stops where the client goes away', async () => {
    const parts = (count: number, onCancel = () => {}) =>
      new ReadableStream({
        pull(controller) {
          if (count-- > 0) controller.enqueue(new Uint8Array(65_536).fill(0x61))
          else controller.close()
        },
        cancel: onCancel,
      })
    const cancelled = deferred<string>()
    const endless = () => parts(Number.POSITIVE_INFINITY, () => cancelled.resolve('cancelled'))
    const { session } = await connected(
      async (request) => new Response(request.url.endsWith('/64') ? parts(64) : endless()),
    )
    expect((await send(session, { ':path': '/64' })).text).toHaveLength(64 * 65_536)
    const stream = session.request({ ':path': '/endless' })
    await once(stream, 'response')
    stream.close(8)
    expect(await cancelled.promise).toBe('cancelled')
  })

  it('ends the stream with an error where a response breaks off', async () => {
    const broken = () =>
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(10)),
        pull: (controller) => controller.error(new Error('broken body')),
      })
    const { session } = await connected(async () => new Response(broken()))
    await expect(send(session, { ':path': '/' })).rejects.toThrow(/NGHTTP2_INTERNAL_ERROR/)
  })
})

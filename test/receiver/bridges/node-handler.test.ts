import { createServer } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import express, { type RequestHandler } from 'express'
import { toExpressHandler, toNodeHandler } from 'posthorn/receiver'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { listen, serve } from '../../http/servers.ts'
import { signedHeaders } from '../receiver-fixture.ts'
import { awkward, countingReceiver, deliver, deliverWrong, refusals } from './bridge-fixture.ts'

const failure = new Error('the stream broke')
const keepRaw = express.json({
  verify: (request, _response, bytes) => void Object.assign(request, { rawBody: bytes }),
})

describe('toNodeHandler', () => {
  it('answers on node:http, and reads nothing twice', async () => {
    const { receiver, handler } = countingReceiver()
    const origin = await serve((request, response) => void toNodeHandler(receiver)(request, response))
    expect([await deliver(origin), await deliver(origin), await deliver(origin, '[]', 'msg_2')]).toEqual([
      200, 200, 200,
    ])
    expect(handler).toHaveBeenCalledOnce()
    expect(new TextDecoder().decode(handler.mock.calls[0]![0].webhook.rawBody)).toBe(awkward)
    expect(await deliverWrong(origin)).toEqual(refusals)
  })

  it('takes the exact bytes, also those that are no UTF-8', async () => {
    const { receiver, rejections } = countingReceiver()
    const origin = await serve((request, response) => void toNodeHandler(receiver)(request, response))
    expect(await deliver(origin, new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]))).toBe(400)
    expect(rejections).toMatchObject([{ error: { code: 'PAYLOAD_INVALID' } }])
  })

  it('stops reading above the limit, answers 413, and closes the connection of a sender that goes on', async () => {
    const { receiver } = countingReceiver()
    let bytesRead = Infinity
    const origin = await serve((request, response) => {
      response.once('finish', () => (bytesRead = request.socket.bytesRead))
      void toNodeHandler(receiver)(request, response)
    })
    const headers = Object.entries(await signedHeaders()).map(([name, value]) => `${name}: ${value}\r\n`)
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    socket.write(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n${headers.join('')}\r\n`)
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
    // 4 MB without an end: the receiver reads 10 kB, and 1 MiB is thrown away so that the answer arrives.
    for (let sent = 0; sent < 256; sent++) socket.write(chunk)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(String(answer)).toMatch(/^HTTP\/1\.1 413 .*connection: close/is)
    expect(bytesRead).toBeLessThan(2_000_000)
  })

  it('answers a sender whose connection broke off with nothing, and keeps serving', async () => {
    const { receiver, rejections } = countingReceiver()
    const origin = await serve((request, response) => void toNodeHandler(receiver)(request, response))
    const headers = Object.entries(await signedHeaders()).map(([name, value]) => `${name}: ${value}\r\n`)
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    socket.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n${headers.join('')}\r\n{"type"`, () =>
      socket.destroy(),
    )
    await once(socket, 'close')
    expect(await deliver(origin)).toBe(200)
    await expect.poll(() => rejections).toMatchObject([{ error: { code: 'BODY_UNREADABLE' } }])
  })

  it('answers on node:http2', async () => {
    const { receiver, handler } = countingReceiver()
    const server = createHttp2Server((request, response) => void toNodeHandler(receiver)(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    onTestFinished(() => {
      session.destroy()
      server.close()
    })
    const post = async (body: string) => {
      const stream = session.request({ ':method': 'POST', ':path': '/', ...(await signedHeaders({ body })) })
      stream.end(body)
      const [headers] = (await once(stream, 'response')) as [{ ':status': number; connection?: string }]
      stream.resume()
      return [headers[':status'], headers.connection]
    }
    expect(await post(awkward)).toEqual([200, undefined])
    expect(await post('x'.repeat(20_000))).toEqual([413, undefined])
    expect(handler).toHaveBeenCalledOnce()
  })

  it('answers with the same Response each time, which ended the process at the second event', async () => {
    const { receiver, handler } = countingReceiver()
    handler.mockReturnValue(new Response('[accepted]'))
    const origin = await serve((request, response) => void toNodeHandler(receiver)(request, response))
    const statuses = []
    for (const id of ['a', 'b', 'c']) statuses.push(await deliver(origin, awkward, id))
    expect(statuses).toEqual([200, 200, 200])
  })

  it.each([
    ['a body that fails', () => new Response(new ReadableStream({ pull: (controller) => controller.error(failure) }))],
    [
      'a header that Node does not send',
      () => new Response('ok', { headers: { 'content-length': '9', 'x-a': '\u0001' } }),
    ],
  ])('answers 500 and prints the error where the Response of a handler has %s', async (_, makeResponse) => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => print.mockRestore())
    const { receiver, handler } = countingReceiver()
    handler.mockImplementation(makeResponse)
    const handling: Promise<void>[] = []
    const origin = await serve((request, response) => void handling.push(toNodeHandler(receiver)(request, response)))
    expect(await deliver(origin)).toBe(500)
    await expect(Promise.all(handling)).resolves.toHaveLength(1)
    expect(print.mock.calls.map(([text]) => text)).toEqual(['Posthorn: receiving a webhook failed.'])
  })

  it('prints the error, and answers no more, where something has answered before', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => print.mockRestore())
    const { receiver, handler } = countingReceiver()
    handler.mockReturnValue(new Response('late', { headers: { 'x-a': 'b' } }))
    const origin = await serve((request, response) => {
      response.end('early')
      void toNodeHandler(receiver)(request, response)
    })
    expect(await deliver(origin)).toBe(200)
    await expect.poll(() => print.mock.calls.length).toBe(2)
  })

  it('leaves out headers that no Headers can hold', async () => {
    const { receiver, handler } = countingReceiver()
    const origin = await serve((request, response) => {
      // As an insecure parser or a framework in front may leave them.
      request.rawHeaders.push('x name', 'a', 'x-line', 'a\nb')
      void toNodeHandler(receiver)(request, response)
    })
    expect(await deliver(origin)).toBe(200)
    expect(handler).toHaveBeenCalledOnce()
  })

  it('gives what fails to next', async () => {
    const { receiver, handler } = countingReceiver()
    handler.mockImplementation(() => new Response('ok', { headers: { 'x-a': '\u0001' } }))
    const failures: unknown[] = []
    const origin = await serve((request, response) => {
      const next = (error: unknown) => {
        failures.push(error)
        response.writeHead(502).end()
      }
      void toNodeHandler(receiver)(request, response, next)
    })
    expect(await deliver(origin)).toBe(502)
    expect(failures).toMatchObject([{ code: 'ERR_INVALID_CHAR' }])
  })

  it('answers 400 to a method that no Request can have', async () => {
    const { receiver } = countingReceiver()
    const origin = await listen(createServer((request, response) => void toNodeHandler(receiver)(request, response)))
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.write('TRACE / HTTP/1.1\r\nhost: a b\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(String(answer)).toMatch(/^HTTP\/1\.1 400/)
  })
})

describe('toExpressHandler', () => {
  const app = (...before: RequestHandler[]) => {
    const counting = countingReceiver()
    const server = express()
    for (const middleware of before) server.use(middleware)
    server.post('/webhooks', toExpressHandler(counting.receiver))
    server.get('/webhooks', toExpressHandler(counting.receiver))
    return { ...counting, listener: server }
  }

  it.each([
    ['no parser', []],
    ['express.raw()', [express.raw({ type: () => true })]],
    ['express.text()', [express.text({ type: () => true })]],
    ['express.json() that keeps rawBody', [keepRaw]],
    ['express.urlencoded(), which leaves JSON alone', [express.urlencoded()]],
  ])('takes the raw body behind %s', async (_, before) => {
    const { listener, handler } = app(...before)
    const url = `${await serve(listener)}/webhooks`
    expect([await deliver(url), await deliver(url)]).toEqual([200, 200])
    expect(handler).toHaveBeenCalledOnce()
    expect(await deliverWrong(url)).toEqual(refusals)
  })

  it('answers 500 behind express.json(), and names the line to change', async () => {
    const { listener, handler, errors } = app(express.json())
    const url = `${await serve(listener)}/webhooks`
    expect(await deliver(url)).toBe(500)
    const message = expect.stringContaining(
      "app.post('/webhooks', toExpressHandler(receiver)) above app.use(express.json())",
    )
    expect(errors).toMatchObject([{ error: { code: 'RAW_BODY_REQUIRED', message: message as string } }])
    expect(handler).not.toHaveBeenCalled()
  })

  it('works above a parser, which the rest of the app keeps', async () => {
    const { listener } = app()
    listener.use(express.json())
    listener.post('/orders', (request, response) => void response.json(request.body))
    const origin = await serve(listener)
    expect(await deliver(`${origin}/webhooks`)).toBe(200)
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }
    expect(await (await fetch(`${origin}/orders`, init)).json()).toEqual({ a: 1 })
  })
})

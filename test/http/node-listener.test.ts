import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import { toNodeListener } from 'posthorn/http'
import { describe, expect, it, vi } from 'vitest'
import { deferred } from './deferred.ts'
import { sendRaw, serve } from './servers.ts'

const echo = async (request: Request) =>
  Response.json({
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(request.headers),
    body: await request.text(),
  })

async function urlSeenFor(requestLine: string, host: string): Promise<string> {
  const origin = await serve(toNodeListener(async (request) => new Response(`<${request.url}>`)))
  const answer = await sendRaw(origin, `GET ${requestLine} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
  expect(answer).toContain('HTTP/1.1 200')
  return /<(.*)>/.exec(answer)?.[1] ?? ''
}

describe('toNodeListener', () => {
  it('hands over method, URL, headers and body', async () => {
    const origin = await serve(toNodeListener(echo))
    const response = await fetch(`${origin}/a/b?c=%20d`, { method: 'PATCH', headers: { 'x-one': '1' }, body: 'péage' })
    expect(await response.json()).toMatchObject({
      method: 'PATCH',
      url: `${origin}/a/b?c=%20d`,
      headers: { 'x-one': '1' },
      body: 'péage',
    })
  })

  it('keeps a header that is sent twice', async () => {
    const origin = await serve(toNodeListener(async (request) => new Response(request.headers.get('x-one'))))
    const answer = await sendRaw(
      origin,
      'GET / HTTP/1.1\r\nhost: a\r\nx-one: 1\r\nx-one: 2\r\nconnection: close\r\n\r\n',
    )
    expect(answer).toContain('1, 2')
  })

  it('writes status, headers, every cookie and a body larger than the socket buffers', async () => {
    const headers = new Headers({ 'x-one': '1' })
    headers.append('set-cookie', 'a=1')
    headers.append('set-cookie', 'b=2')
    const parts = Array.from({ length: 64 }, (_, index) => new Uint8Array(65_536).fill(index))
    const body = () =>
      new ReadableStream({
        start(controller) {
          for (const part of parts) controller.enqueue(part)
          controller.close()
        },
      })
    const origin = await serve(toNodeListener(async () => new Response(body(), { status: 207, headers })))
    const response = await fetch(origin)
    expect(response.status).toBe(207)
    expect(response.headers.get('x-one')).toBe('1')
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    const received = new Uint8Array(await response.arrayBuffer())
    expect(received.length).toBe(64 * 65_536)
    expect(received.at(-1)).toBe(63)
  })

  it('reads the response no faster than the client', async () => {
    let pulls = 0
    const endless = new ReadableStream({
      pull(controller) {
        pulls++
        controller.enqueue(new Uint8Array(65_536))
      },
    })
    const origin = await serve(toNodeListener(async () => new Response(endless)))
    const request = httpRequest(origin).end()
    const [response] = await once(request, 'response')
    await vi.waitFor(async () => {
      const before = pulls
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(pulls).toBe(before)
    })
    expect(pulls).toBeLessThan(1_000)
    response.destroy()
  })

  it('aborts the signal when the client goes away', async () => {
    const reached = deferred<AbortSignal>()
    const origin = await serve(
      toNodeListener(async (request) => {
        reached.resolve(request.signal)
        await once(request.signal, 'abort')
        return new Response()
      }),
    )
    const request = httpRequest(origin).end()
    request.on('error', () => {})
    const signal = await reached.promise
    expect(signal.aborted).toBe(false)
    request.destroy()
    await vi.waitFor(() => expect(signal.aborted).toBe(true))
  })

  it('does not abort the signal of a request that was answered', async () => {
    let signal: AbortSignal | undefined
    const origin = await serve(
      toNodeListener(async (request) => {
        signal = request.signal
        return new Response()
      }),
    )
    await sendRaw(origin, 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    expect(signal?.aborted).toBe(false)
  })

  it('fails the body of a client that breaks off', async () => {
    const failure = deferred<unknown>()
    const origin = await serve(
      toNodeListener(async (request) => {
        await request.text().catch(failure.resolve)
        return new Response()
      }),
    )
    const request = httpRequest(origin, { method: 'POST', headers: { 'content-length': '100' } })
    request.on('error', () => {})
    request.write('{')
    request.flushHeaders()
    setTimeout(() => request.destroy(), 50)
    expect(String(await failure.promise)).toMatch(/closed before the body was complete|aborted/)
  })

  it('fails the body of a client that left before it was read', async () => {
    const failure = deferred<unknown>()
    const origin = await serve(
      toNodeListener(async (request) => {
        await once(request.signal, 'abort')
        await request.text().catch(failure.resolve)
        return new Response()
      }),
    )
    const request = httpRequest(origin, { method: 'POST', headers: { 'content-length': '100' } })
    request.on('error', () => {})
    request.write('{', () => request.destroy())
    expect(String(await failure.promise)).toMatch(/closed before the body was complete|aborted/)
  })

  it('fails the body that is read after the answer', async () => {
    const failure = deferred<unknown>()
    const answered = deferred<void>()
    const origin = await serve(
      toNodeListener(async (request) => {
        void answered.promise.then(() => request.text()).catch(failure.resolve)
        return new Response('done')
      }),
    )
    expect(await (await fetch(origin, { method: 'POST', body: 'unread' })).text()).toBe('done')
    answered.resolve()
    expect(String(await failure.promise)).toContain('answered before its body was read')
  })

  it('reads the request no faster than the handler', async () => {
    const sockets: Socket[] = []
    const listener = toNodeListener(async (request) => {
      const reader = request.body?.getReader()
      await reader?.read()
      await once(request.signal, 'abort')
      return new Response()
    })
    const origin = await serve((req, res) => {
      sockets.push(req.socket)
      listener(req, res)
    })
    const request = httpRequest(origin, { method: 'POST' })
    request.on('error', () => {})
    request.write(new Uint8Array(64_000_000))
    await vi.waitFor(async () => {
      const before = sockets[0]?.bytesRead
      // On a busy machine the connection may not be there yet.
      expect(before).toBeGreaterThan(0)
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(sockets[0]?.bytesRead).toBe(before)
    })
    expect(sockets[0]?.bytesRead).toBeLessThan(1_000_000)
    request.destroy()
  })

  it.each(['user@evil.example', 'evil.example/webhooks?', 'a b', 'a#', 'a\\b', '[::1', 'host:99999999', ''])(
    'replaces the bad host %j',
    async (host) => {
      expect(await urlSeenFor('/path?x=1', host)).toBe('http://localhost/path?x=1')
    },
  )

  it.each(['example.com:8000', '[::1]:8000', '127.0.0.1'])('keeps the good host %j', async (host) => {
    expect(await urlSeenFor('/path', host)).toBe(`http://${host}/path`)
  })

  it('takes a target of two slashes for a path, never for a host', async () => {
    expect(await urlSeenFor('//evil.example/path', 'a')).toBe('http://a//evil.example/path')
  })

  it('answers HEAD without the body, and cancels it', async () => {
    const cancelled = deferred<string>()
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1_024)),
      cancel: () => cancelled.resolve('cancelled'),
    })
    const origin = await serve(toNodeListener(async () => new Response(endless, { status: 207 })))
    const response = await fetch(origin, { method: 'HEAD' })
    expect([response.status, await response.text(), await cancelled.promise]).toEqual([207, '', 'cancelled'])
  })

  it('answers TRACE with 405', async () => {
    const origin = await serve(toNodeListener(echo))
    const answer = await sendRaw(origin, 'TRACE / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    expect(answer).toContain('HTTP/1.1 405')
    expect(answer).toContain('METHOD_NOT_ALLOWED')
  })

  it('serves OPTIONS * without a path', async () => {
    const origin = await serve(toNodeListener(echo))
    const answer = await sendRaw(origin, 'OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    expect(answer).toContain('"url":"http://a/"')
  })

  it('keeps the connection when it has dropped a body that the handler left unread', async () => {
    const origin = await serve(toNodeListener(async () => new Response('done')))
    const answer = await sendRaw(
      origin,
      'POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
    )
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2)
  })

  it('closes the connection when an unread body is over 1 MiB', async () => {
    const origin = await serve(toNodeListener(async () => new Response('done', { status: 413 })))
    const response = await fetch(origin, { method: 'POST', body: new Uint8Array(900_000) })
    expect(response.headers.get('connection')).toBe('keep-alive')
    const request = httpRequest(origin, { method: 'POST' })
    request.on('error', () => {})
    const startedAt = performance.now()
    request.write(new Uint8Array(2_000_000))
    const [message] = await once(request, 'response')
    expect(performance.now() - startedAt).toBeLessThan(900)
    expect(message.statusCode).toBe(413)
    expect(message.headers.connection).toBe('close')
    request.destroy()
  })

  it('closes the connection when an unread body does not end within a second', async () => {
    const origin = await serve(toNodeListener(async () => new Response('done')))
    const answer = await sendRaw(origin, 'POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhel')
    expect(answer).toContain('HTTP/1.1 200')
    expect(answer.toLowerCase()).toContain('connection: close')
  })

  it('gives the error of a handler to next', async () => {
    const error = new Error('broken handler')
    const seen: unknown[] = []
    const listener = toNodeListener(() => Promise.reject(error))
    const origin = await serve((req, res) =>
      listener(req, res, (given) => {
        seen.push(given)
        res.end()
      }),
    )
    await fetch(origin)
    expect(seen).toEqual([error])
  })

  it('answers 500 and prints the error where there is no next', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const origin = await serve(toNodeListener(() => Promise.reject(new Error('broken handler'))))
    const response = await fetch(origin)
    expect(response.status).toBe(500)
    expect(await response.text()).toBe('')
    expect(print).toHaveBeenCalledWith(expect.stringContaining('toNodeListener'), expect.any(Error))
    print.mockRestore()
  })

  it('cuts the connection where a response breaks off', async () => {
    const broken = () =>
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(10)),
        pull: (controller) => controller.error(new Error('broken body')),
      })
    const origin = await serve(toNodeListener(async () => new Response(broken())))
    await expect(fetch(origin).then((response) => response.text())).rejects.toThrow(/terminated|fetch failed/)
  })

  it('refuses anything but a function', () => {
    expect(() => toNodeListener({} as never)).toThrow('toNodeListener needs a function')
  })
})

import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { afterEach, describe, expect, it } from 'vitest'
import { createSender, type SenderOptions } from '../../src/delivery/send.ts'
import { AddressPolicy } from '../../src/registry/address-policy/address-policy.ts'
import { loopback } from '../support/loopback.ts'
import { startReceiver } from '../support/receiver.ts'

const cleanUps: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

function sender(options: Partial<SenderOptions> = {}) {
  const made = createSender({
    timeoutMs: 5000,
    connectTimeoutMs: 1000,
    maxResponseBytes: 16_384,
    clock: Date.now,
    addresses: new AddressPolicy(loopback),
    ...options,
  })
  cleanUps.push(() => made.close())
  return made
}

// A receiver that speaks raw TCP, for what an HTTP server would not do.
async function rawReceiver(onRequest: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}) // the sender may hang up on us
    socket.on('close', () => sockets.delete(socket))
    socket.once('data', () => onRequest(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/` // a TCP server has an AddressInfo
}

const request = (url: string) => ({
  url,
  headers: { 'content-type': 'application/json', 'x-test': 'a' },
  body: '{"ä":1}',
})

describe('createSender', () => {
  it('posts the exact text with the headers given', async () => {
    await using receiver = await startReceiver(() => ({ status: 201, headers: { 'x-answer': 'b' }, body: 'thanks' }))
    const outcome = await sender().send(request(receiver.url))
    expect(outcome).toMatchObject({ status: 201, error: null, headers: { 'x-answer': 'b' }, body: 'thanks' })
    expect(outcome.durationMs).toBeGreaterThanOrEqual(0)
    expect(receiver.received[0]).toMatchObject({
      url: '/hook',
      body: '{"ä":1}',
      headers: { 'x-test': 'a', 'content-length': '8' },
    })
  })

  it('keeps the connection alive between requests', async () => {
    const { send } = sender()
    const ports = new Set<unknown>()
    await using receiver = await startReceiver((_, __, port) => (ports.add(port), 204))
    for (let n = 0; n < 10; n++) expect(await send(request(receiver.url))).toMatchObject({ status: 204 })
    // undici rests a connection for one turn of the event loop, so that a second one takes part.
    expect(ports.size).toBeLessThanOrEqual(2)
  })

  it('answers redirects as they are', async () => {
    await using receiver = await startReceiver(() => ({ status: 307, headers: { location: 'http://127.0.0.1:9/' } }))
    expect(await sender().send(request(receiver.url))).toMatchObject({ status: 307 })
    expect(receiver.received).toHaveLength(1)
  })

  it('keeps 16 KiB of a body and gives the rest up', async () => {
    await using receiver = await startReceiver(() => ({ status: 200, body: 'x'.repeat(1_000_000) }))
    const outcome = await sender().send(request(receiver.url))
    expect(outcome).toMatchObject({ status: 200, body: 'x'.repeat(16_384) })
  })

  it('ends an endless body', async () => {
    const url = await rawReceiver((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const drip = setInterval(() => socket.write('x'.repeat(10_000)), 1)
      socket.on('close', () => clearInterval(drip))
    })
    expect(await sender().send(request(url))).toMatchObject({ status: 200, body: 'x'.repeat(16_384) })
  })

  it('takes a 2xx whose body stalls for what it is, at the deadline', async () => {
    const url = await rawReceiver((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'))
    expect(await sender({ timeoutMs: 400 }).send(request(url))).toMatchObject({ status: 200, body: 'half' })
  })

  it('takes a 2xx whose body breaks off for what it is', async () => {
    const url = await rawReceiver((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'))
    expect(await sender().send(request(url))).toMatchObject({ status: 200, body: 'half' })
  })

  it('keeps bytes that are no text as replacement characters', async () => {
    const url = await rawReceiver((socket) =>
      socket.end(
        Buffer.concat([
          Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n'),
          Buffer.from([0x61, 0xff, 0x00, 0x62]),
        ]),
      ),
    )
    expect(await sender().send(request(url))).toMatchObject({ body: 'a\uFFFD\uFFFDb' })
  })

  it('joins headers that came more than once', async () => {
    const url = await rawReceiver((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 0\r\n\r\n'),
    )
    expect(await sender().send(request(url))).toMatchObject({ headers: { 'x-a': '1, 2' } })
  })

  it('names silence a timeout', async () => {
    const url = await rawReceiver(() => {})
    expect(await sender({ timeoutMs: 30 }).send(request(url))).toMatchObject({ status: null, error: 'timeout' })
  })

  it('names headers that never end a timeout', async () => {
    const url = await rawReceiver((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      const drip = setInterval(() => socket.write('x-a: b\r\n'), 5)
      socket.on('close', () => clearInterval(drip))
    })
    expect(await sender({ timeoutMs: 60 }).send(request(url))).toMatchObject({ error: 'timeout' })
  })

  it('names what else can happen', async () => {
    const { send } = sender()
    const closed = await rawReceiver((socket) => socket.destroy())
    const reset = await rawReceiver((socket) => socket.resetAndDestroy())
    const garbage = await rawReceiver((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'))
    const plain = await rawReceiver((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const errorOf = async (url: string) => (await send(request(url))).error
    expect(await errorOf('http://127.0.0.1:1/')).toBe('refused')
    expect(await errorOf(closed)).toBe('reset')
    expect(await errorOf(reset)).toBe('reset')
    expect(await errorOf(garbage)).toBe('protocol')
    expect(await errorOf(plain.replace('http:', 'https:'))).toBe('tls')
  })

  it('names what was aborted', async () => {
    const made = sender()
    const url = await rawReceiver(() => made.abort())
    expect(await made.send(request(url))).toMatchObject({ error: 'aborted' })
  })

  it('uses the fetch that it is given, with every guard', async () => {
    const server = setupServer(
      http.post('https://receiver.example.com/ok', async ({ request: got }) =>
        HttpResponse.text(`${got.headers.get('x-test')} ${await got.text()}`, { status: 202 }),
      ),
      http.post('https://receiver.example.com/moved', () =>
        HttpResponse.redirect('https://receiver.example.com/ok', 302),
      ),
      http.post('https://receiver.example.com/broken', () => HttpResponse.error()),
      http.post('https://receiver.example.com/large', () => HttpResponse.text('x'.repeat(100_000), { status: 500 })),
    )
    server.listen({ onUnhandledRequest: 'error' })
    cleanUps.push(() => server.close())
    const { send } = sender({ fetch: globalThis.fetch })
    expect(await send(request('https://receiver.example.com/ok'))).toMatchObject({ status: 202, body: 'a {"ä":1}' })
    expect(await send(request('https://receiver.example.com/moved'))).toMatchObject({ status: 302 })
    expect(await send(request('https://receiver.example.com/broken'))).toMatchObject({ status: null, error: 'network' })
    expect(await send(request('https://receiver.example.com/large'))).toMatchObject({
      status: 500,
      body: 'x'.repeat(16_384),
    })
  })

  // This used to be thrown from a timer, at the deadline.
  it('takes what is no Response, from a fetch that it is given, for a failure', async () => {
    const bare = { status: 200, ok: true }
    const { send } = sender({ fetch: async () => bare as Response, timeoutMs: 500 }) // as a test of a host's might
    expect(await send(request('https://receiver.example.com/'))).toMatchObject({ status: null, error: 'network' })
  })

  it.each([
    [
      'a body of text',
      () => ({ status: 200, headers: [], body: new ReadableStream({ start: (body) => body.enqueue('text') }) }),
      { status: 200 },
    ],
    ['no headers', () => ({ status: 200, body: null }), { status: null, error: 'network' }],
    ['nothing', () => null, { status: null, error: 'network' }],
    ['a throw', () => expect.fail('away'), { status: null, error: 'network' }],
  ])('takes %s from the fetch that it is given for an outcome', async (_, answer, outcome) => {
    const { send } = sender({ timeoutMs: 300, fetch: async () => answer() as unknown as Response })
    expect(await send(request('https://receiver.example.com/'))).toMatchObject(outcome)
  })
})

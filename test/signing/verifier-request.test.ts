import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { body, codeOf, signed, utf8, verifier } from './messages.ts'

const url = 'https://example.com/hook'

async function request(init: RequestInit & { duplex?: 'half' } = {}): Promise<Request> {
  return new Request(url, { method: 'POST', headers: await signed(), body, ...init })
}

function streamed(chunks: Iterable<unknown>, onCancel: () => void = () => {}): RequestInit & { duplex: 'half' } {
  const iterator = chunks[Symbol.iterator]()
  const stream = new ReadableStream({
    pull(controller) {
      const next = iterator.next()
      if (next.done === true) controller.close()
      else controller.enqueue(next.value)
    },
    cancel: onCancel,
  })
  return { body: stream, duplex: 'half' }
}

describe('Verifier given a Request', () => {
  it('verifies it', async () => {
    const event = await verifier().verify(await request())
    expect(event).toMatchObject({ eventId: 'msg_1', keyIndex: 0, payload: JSON.parse(body) as unknown })
  })

  it('verifies one without a body', async () => {
    const headers = await signed({ body: '' })
    expect((await verifier().verify(new Request(url, { headers }))).payload).toBeUndefined()
  })

  it('verifies a body that drips in byte by byte', async () => {
    const dripping = await request(streamed(Array.from(Buffer.from(body), (byte) => new Uint8Array([byte]))))
    expect((await verifier().verify(dripping)).payload).toEqual(JSON.parse(body))
  })

  it('verifies a body that just fits, in chunks that make its buffer grow', async () => {
    const large = Buffer.alloc(100_000, 'x')
    const chunks = Array.from({ length: 10 }, (_, index) => large.subarray(index * 10_000, (index + 1) * 10_000))
    const fitting = await request({ headers: await signed({ body: large }), ...streamed(chunks) })
    expect(Buffer.from((await verifier({ maxBodyBytes: 100_000 }).verify(fitting)).rawBody).equals(large)).toBe(true)
  })

  it('asks for the raw body when it was read or is being read', async () => {
    const read = await request()
    await read.text()
    expect(await codeOf(verifier().verify(read))).toBe('RAW_BODY_REQUIRED')
    const locked = await request()
    locked.body?.getReader()
    expect(await codeOf(verifier().verify(locked))).toBe('RAW_BODY_REQUIRED')
  })

  it('does not touch the body when the headers are wrong', async () => {
    const wrong = {
      'webhook-signature': ['', 'x'.repeat(5000)],
      'webhook-timestamp': ['0', 'x'],
      'webhook-id': ['', 'a.b'],
    }
    for (const [name, texts] of Object.entries(wrong))
      for (const text of texts) {
        const untouched = await request({ headers: { ...(await signed()), [name]: text } })
        await codeOf(verifier().verify(untouched))
        expect(untouched.bodyUsed).toBe(false)
      }
  })

  it('case 37: stops reading a body over its limit', async () => {
    let chunksRead = 0
    let isCancelled = false
    const chunks = (function* () {
      for (; chunksRead < 1000; chunksRead++) yield new Uint8Array(1000)
    })()
    const huge = await request(streamed(chunks, () => (isCancelled = true)))
    expect(await codeOf(verifier({ maxBodyBytes: 5000 }).verify(huge))).toBe('BODY_TOO_LARGE')
    expect(chunksRead).toBeLessThan(10)
    expect(isCancelled).toBe(true)
  })

  it('believes a content-length that is over the limit', async () => {
    const announced = await request({ headers: { ...(await signed()), 'content-length': '2000000' } })
    expect(await codeOf(verifier().verify(announced))).toBe('BODY_TOO_LARGE')
    expect(announced.bodyUsed).toBe(false)
  })

  it('takes a body of just its limit, announced as such and given byte by byte', async () => {
    const length = utf8(body).length
    const chunks = [...utf8(body)].map((byte) => new Uint8Array([byte]))
    const exact = await request({
      ...streamed(chunks),
      headers: { ...(await signed()), 'content-length': String(length) },
    })
    expect((await verifier({ maxBodyBytes: length }).verify(exact)).eventId).toBe('msg_1')
  })

  it.each([
    ['text', ['text'], 'BODY_UNREADABLE'],
    ['nothing, for ever', endless(new Uint8Array(0)), 'BODY_TOO_LARGE'],
  ])('refuses a stream that gives %s', async (_, chunks, code) => {
    expect(await codeOf(verifier({ maxBodyBytes: 1000 }).verify(await request(streamed(chunks))))).toBe(code)
  })

  it('says so when the body breaks off, and keeps the cause', async () => {
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('reset')) })
    const failing = verifier().verify(await request({ body: broken, duplex: 'half' }))
    await expect(failing).rejects.toMatchObject({ code: 'BODY_UNREADABLE', cause: { message: 'reset' } })
  })

  it('gives up when its signal says so, also with a source that will not stop', async () => {
    const silent = new ReadableStream({ cancel: () => Promise.reject(new Error('will not stop')) })
    const controller = new AbortController()
    const verifying = verifier().verify(await request({ body: silent, duplex: 'half' }), { signal: controller.signal })
    const reason = new Error('shutting down')
    controller.abort(reason)
    await expect(verifying).rejects.toBe(reason)
  })

  it('does not begin when its signal has already said so', async () => {
    const reason = new Error('shutting down')
    const signal = AbortSignal.abort(reason)
    const silent = await request({ body: new ReadableStream(), duplex: 'half' })
    await expect(verifier().verify(silent, { signal })).rejects.toBe(reason)
    await expect(verifier().verify({ headers: await signed(), body }, { signal })).rejects.toBe(reason)
  })
})

describe('Verifier on node:http', () => {
  it('takes the headers and rawHeaders of an IncomingMessage', async () => {
    const answers: unknown[] = []
    const server = createServer((incoming, response) => {
      void verifyBoth(incoming)
        .then((both) => answers.push(...both))
        .finally(() => response.end())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const { port } = server.address() as AddressInfo // listening on a TCP port
      await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers: await signed(), body })
    } finally {
      server.close()
    }
    expect(answers).toEqual(['msg_1', 'msg_1', 'RAW_BODY_REQUIRED'])
  })
})

async function verifyBoth(incoming: IncomingMessage): Promise<readonly unknown[]> {
  const raw = Buffer.concat((await incoming.toArray()) as Buffer[]) // no encoding is set, so the chunks are Buffers
  const byHeaders = await verifier().verify({ headers: incoming.headers, body: raw })
  const byRawHeaders = await verifier().verify({ headers: incoming.rawHeaders, body: raw })
  const whole = await codeOf(verifier().verify(incoming as unknown as Request))
  return [byHeaders.eventId, byRawHeaders.eventId, whole]
}

function* endless(chunk: Uint8Array): Generator<Uint8Array> {
  for (let index = 0; index < 1_000_000; index++) yield chunk
}

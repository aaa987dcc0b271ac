import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { diagnose } from '../../src/signing/diagnose.ts'
import { body, clock, codeOf, secret, signed, verifier } from './messages.ts'

// As the environments of jest and vm contexts bring them: no instanceof knows them.
const foreign = runInNewContext('({ ArrayBuffer, Uint8Array, Uint16Array })') as {
  readonly ArrayBuffer: ArrayBufferConstructor
  readonly Uint8Array: Uint8ArrayConstructor
  readonly Uint16Array: Uint16ArrayConstructor
}

function foreignBuffer(text: string): ArrayBuffer {
  const bytes = Buffer.from(text)
  const buffer = new foreign.ArrayBuffer(bytes.length)
  new Uint8Array(buffer).set(bytes)
  return buffer
}

async function streamed(...chunks: readonly unknown[]): Promise<Request> {
  const stream = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
  const init: RequestInit & { duplex: 'half' } = { method: 'POST', headers: await signed(), body: null, duplex: 'half' }
  const request = new Request('https://example.com', init)
  // By its shape: undici takes no foreign chunks out of a Request of its own.
  return { headers: request.headers, bodyUsed: false, body: stream } as Request
}

describe('bytes of another realm', () => {
  it('are verified as an ArrayBuffer, which was taken for a parsed body', async () => {
    const buffer = foreignBuffer(body)
    expect(buffer instanceof ArrayBuffer).toBe(false)
    const event = await verifier().verify({ headers: await signed(), body: buffer })
    expect(Buffer.from(event.rawBody).toString()).toBe(body)
    expect((await diagnose({ secret, clock }, { headers: await signed(), body: buffer })).problem).toBe('none')
  })

  it('are verified as views of any kind', async () => {
    const bytes = new foreign.Uint8Array(foreignBuffer(`xx${body}`), 2)
    expect((await verifier().verify({ headers: await signed(), body: bytes })).eventId).toBe('msg_1')
    const even = `${body} `.slice(0, (body.length + 1) & ~1)
    const wide = new foreign.Uint16Array(foreignBuffer(even)) as unknown as Uint8Array // as a caller without types has it
    expect((await verifier().verify({ headers: await signed({ body: even }), body: wide })).eventId).toBe('msg_1')
  })

  it('are verified as the chunks of a stream, which were called unreadable', async () => {
    const chunk = (text: string) => new foreign.Uint8Array(foreignBuffer(text))
    const event = await verifier().verify(await streamed(chunk(body.slice(0, 5)), chunk(body.slice(5))))
    expect(Buffer.from(event.rawBody).toString()).toBe(body)
  })

  it('are no excuse for what only says that it is bytes', async () => {
    expect(await codeOf(verifier().verify(await streamed(body)))).toBe('BODY_UNREADABLE')
    for (const parsed of [{ type: 'order.paid' }, ['[object ArrayBuffer]'], Object.create(null)])
      expect(await codeOf(verifier().verify({ headers: await signed(), body: parsed as never }))).toBe(
        'RAW_BODY_REQUIRED',
      )
  })
})

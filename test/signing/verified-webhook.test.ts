import { inspect } from 'node:util'
import { defineHmacScheme } from 'posthorn/schemes'
import { describe, expect, it, vi } from 'vitest'
import { PosthornError } from '../../src/domain/error.ts'
import { Signer } from '../../src/signing/signer.ts'
import { Verifier } from '../../src/signing/verifier.ts'
import { body as paid, codeOf, secret, signed, thrownBy, verifier } from './messages.ts'

async function verified(body: string | Uint8Array) {
  return verifier().verify({ headers: await signed({ body }), body })
}

describe('VerifiedWebhook', () => {
  it.each([
    ['no JSON', '{"a":'],
    ['white space alone', ' '],
    ['bytes that are no UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
  ])('case 1: is given for %s; only its payload throws', async (_, body) => {
    const event = await verified(body)
    expect(event.eventId).toBe('msg_1')
    const error = thrownBy(() => event.payload)
    expect(error).toBeInstanceOf(PosthornError)
    expect(error).toMatchObject({ code: 'PAYLOAD_INVALID' })
    expect(error).not.toHaveProperty('cause')
  })

  it('parses what comes after a body that was cut within a character', async () => {
    const cut = await verified(new Uint8Array([0x22, 0xe2, 0x82]))
    expect(thrownBy(() => cut.payload)).toMatchObject({ code: 'PAYLOAD_INVALID' })
    expect((await verified(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]))).payload).toEqual({})
  })

  it('does not quote the body when it cannot be parsed', async () => {
    const event = await verified('{"password":"hunter2"')
    expect(inspect(thrownBy(() => event.payload))).not.toContain('hunter2')
  })

  it('case 8: has the payload undefined for an empty body', async () => {
    expect((await verified('')).payload).toBeUndefined()
  })

  it('parses the payload behind a byte order mark, and keeps the mark in rawBody', async () => {
    const event = await verified(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]))
    expect(event.payload).toEqual({})
    expect(event.rawBody[0]).toBe(0xef)
  })

  it('parses once, and only when asked', async () => {
    const parse = vi.spyOn(JSON, 'parse')
    try {
      const event = await verified('{"a":[1]}')
      expect(parse).not.toHaveBeenCalled()
      expect(event.payload).toBe(event.payload)
      expect(parse).toHaveBeenCalledOnce()
    } finally {
      parse.mockRestore()
    }
  })

  it('case 2: parses nothing of a message whose signature is wrong', async () => {
    const parse = vi.spyOn(JSON, 'parse')
    try {
      const deep = '['.repeat(500_000) + ']'.repeat(500_000)
      expect(await codeOf(verifier().verify({ headers: await signed(), body: deep }))).toBe('SIGNATURE_MISMATCH')
      expect(parse).not.toHaveBeenCalled()
    } finally {
      parse.mockRestore()
    }
  })

  it('case 38: leaves out members named __proto__, at every depth and however spelt', async () => {
    const event = await verified('{"__proto__":{"isAdmin":true},"list":[{"\\u005f_proto__":{"isAdmin":true},"b":1}]}')
    expect(Object.assign({}, event.payload)).not.toHaveProperty('isAdmin')
    expect(JSON.stringify(event.payload)).toBe('{"list":[{"b":1}]}')
    expect(Buffer.from(event.rawBody).toString()).toContain('__proto__')
  })

  it.each([
    '\\u005f_proto__',
    '__\\u0070roto__',
    '_\\u005Fp\\u0072oto__',
    '__pr\\u006fto__',
    '__proto_\\u005f',
    '__pro\\u0074o__',
  ])('leaves out %s, where the name is written nowhere else', async (name) => {
    const event = await verified(`[{"${name}":{"isAdmin":true},"b":1}]`)
    expect(JSON.stringify(event.payload)).toBe('[{"b":1}]')
  })

  it('keeps constructor and prototype as the ordinary names they are', async () => {
    const event = await verified('{"constructor":{"prototype":{"isAdmin":true}}}')
    expect(JSON.stringify(event.payload)).toBe('{"constructor":{"prototype":{"isAdmin":true}}}')
    expect({}).not.toHaveProperty('isAdmin')
  })

  it('survives a payload nested 400,000 deep', async () => {
    const event = await verified('['.repeat(400_000) + ']'.repeat(400_000))
    expect(Array.isArray(event.payload)).toBe(true)
  })

  it('case 39: counts the last of repeated names', async () => {
    expect((await verified('{"type":"a","type":"b"}')).payload).toEqual({ type: 'b' })
  })

  it('has no event id where it is a number that JSON rounds, and so may be that of another event', async () => {
    const content = ['body'] as const
    const scheme = defineHmacScheme({ name: 'a', header: 'X-A', encoding: 'hex', eventId: { body: 'id' }, content })
    const idOf = async (json: string) => {
      const headers = await new Signer({ secret, scheme }).sign({ id: 'any', body: json })
      return (await new Verifier({ secret, scheme }).verify({ headers, body: json })).eventId
    }
    expect(await idOf('{"id":9007199254740991}')).toBe('9007199254740991')
    expect(await idOf('{"id":9007199254740993}')).toBeNull()
    expect(await idOf('{"id":"9007199254740993"}')).toBe('9007199254740993')
  })

  it('calls a time signed where both limits hold, and unchecked where one of them is lifted', async () => {
    const headers = await signed()
    const freshnessWith = async (options: object) => (await verifier(options).verify({ headers, body: paid })).freshness
    expect(await freshnessWith({})).toBe('signed')
    expect(await freshnessWith({ maxAgeMs: false })).toBe('unchecked')
    expect(await freshnessWith({ maxFutureMs: false })).toBe('unchecked')
  })

  it('cannot be changed', async () => {
    const event = await verified('{}')
    expect(Object.isFrozen(event)).toBe(true)
    expect(() => Object.assign(event, { eventId: 'other' })).toThrow(TypeError)
  })

  it('case 49: shows neither secret nor expected signature in any error', async () => {
    const headers = await signed()
    const expected = (headers['webhook-signature'] ?? '').slice(3)
    const wrong = { ...headers, 'webhook-signature': `v1,${'A'.repeat(43)}=` }
    const body = '{"type":"order.paid","data":{"id":42}}'
    const error: unknown = await verifier()
      .verify({ headers: wrong, body })
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'SIGNATURE_MISMATCH' })
    for (const hidden of [expected, secret.slice(6), 'order.paid', 'AAAA']) expect(inspect(error)).not.toContain(hidden)
  })
})

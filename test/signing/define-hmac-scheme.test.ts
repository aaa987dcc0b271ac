import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { defineHmacScheme, type HmacSchemeDefinition } from 'posthorn/schemes'
import { describe, expect, it } from 'vitest'
import { Signer } from '../../src/signing/signer.ts'
import { Verifier } from '../../src/signing/verifier.ts'
import { clock, codeOf, nowSeconds } from './messages.ts'

const secret = 'a-shared-secret'
const acme: HmacSchemeDefinition = {
  name: 'acme',
  header: 'X-Acme-Signature',
  prefix: 'v2=',
  encoding: 'hex',
  timestamp: { header: 'X-Acme-Time' },
  eventId: { header: 'X-Acme-Id' },
  content: ['id', { text: '{body}.' }, 'timestamp', { text: ':' }, { header: 'X-Acme-Env' }, 'body'],
}
const headers = { 'X-Acme-Env': 'test' }

describe('defineHmacScheme', () => {
  it('lays out the content part by part, for signing and verifying alike', async () => {
    const scheme = defineHmacScheme(acme)
    const body = '$& {body} ${body} $1 é'
    const signed = await new Signer({ secret, scheme, clock }).sign({ id: 'e-1', body, headers })
    const mac = createHmac('sha256', secret).update(`e-1{body}.${nowSeconds}:test${body}`).digest('hex')
    expect(signed).toEqual({ 'X-Acme-Id': 'e-1', 'X-Acme-Time': String(nowSeconds), 'X-Acme-Signature': `v2=${mac}` })
    const verified = await new Verifier({ secret, scheme, clock }).verify({ headers: { ...signed, ...headers }, body })
    expect(verified).toMatchObject({
      eventId: 'e-1',
      covers: ['id', 'timestamp', 'body', 'headers'],
      freshness: 'signed',
    })
  })

  it('verifies what it signs, in every form', async () => {
    const form = fc.record({
      encoding: fc.constantFrom('hex' as const, 'base64' as const),
      hash: fc.constantFrom('sha256' as const, 'sha1' as const),
      syntax: fc.constantFrom('single' as const, 'list' as const, {
        separator: ';' as const,
        timestamp: 'ts',
        signature: 'h',
      }),
      unit: fc.constantFrom('seconds' as const, 'milliseconds' as const, 'iso' as const),
      body: fc.string({ unit: 'grapheme' }),
    })
    await fc.assert(
      fc.asyncProperty(form, async ({ encoding, hash, syntax, unit, body }) => {
        const timestamp = typeof syntax === 'object' ? { unit } : { unit, header: 'X-Time' }
        const scheme = defineHmacScheme({
          name: 'any',
          header: 'X-Sig',
          encoding,
          hash,
          syntax,
          timestamp,
          content: ['timestamp', 'body'],
        })
        const signed = await new Signer({ secret, scheme, clock }).sign({ id: '1', body })
        const verifier = new Verifier({ secret, scheme, clock })
        expect((await verifier.verify({ headers: signed, body })).freshness).toBe('signed')
        expect(await codeOf(verifier.verify({ headers: signed, body: `${body} ` }))).toBe('SIGNATURE_MISMATCH')
      }),
    )
  })

  it('reads and writes headers for id and type beside parameters', async () => {
    const { prefix: _, ...plain } = acme
    const scheme = defineHmacScheme({
      ...plain,
      syntax: { separator: ',', timestamp: 't', signature: 'v1' },
      timestamp: {},
      eventType: { header: 'X-Acme-Type' },
      content: ['id', 'timestamp', 'body'],
    })
    const signed = await new Signer({ secret, scheme, clock }).sign({ id: 'e1', type: 'order.paid', body: '{}' })
    const verifier = new Verifier({ secret, scheme, clock })
    expect(await verifier.verify({ headers: signed, body: '{}' })).toMatchObject({ eventId: 'e1', type: 'order.paid' })
    const other = { ...signed, 'X-Acme-Id': 'e2' }
    expect(await codeOf(verifier.verify({ headers: other, body: '{}' }))).toBe('SIGNATURE_MISMATCH')
    const { 'X-Acme-Signature': both = '', ...rest } = signed
    const [time = '', signature = ''] = both.split(',')
    const split = { ...rest, 'X-Acme-Signature': signature, 'X-Acme-Signature.t': time.slice(2) }
    expect(await codeOf(verifier.verify({ headers: split, body: '{}' }))).toBe('HEADER_MISSING')
  })

  it.each([
    ['an unknown member', { algorithm: 'md5' }, 'algorithm must be left out'],
    ['another hash', { hash: 'md5' }, 'hash'],
    ['another encoding', { encoding: 'base32' }, 'encoding'],
    ['an encoding by an inherited name', { encoding: 'toString' }, 'encoding'],
    ['another secret format', { secret: 'base64url' }, 'secret'],
    ['another unit', { timestamp: { header: 'X', unit: 'minutes' } }, 'unit'],
    ['another syntax', { syntax: 'csv' }, 'syntax'],
    ['a template', { content: '{timestamp}.{body}' }, 'content'],
    ['no content', { content: [] }, 'content'],
    ['an unknown part', { content: ['timestamp', 'id', 'bodies'] }, 'content'],
    ['a time that is not signed', { content: ['id', 'body'] }, 'timestamp'],
    ['an id that is signed but nowhere', { eventId: { body: 'id' } }, 'eventId'],
    ['a header with spaces', { header: 'a b' }, 'header'],
    ['no name', { name: '' }, 'name'],
  ])('refuses %s', (_, changed, message) => {
    const define = () => defineHmacScheme({ ...acme, ...changed } as HmacSchemeDefinition)
    expect(define).toThrow(TypeError)
    expect(define).toThrow(message)
  })
})

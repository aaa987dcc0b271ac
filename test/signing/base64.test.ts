import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64, encodeBase64 } from '../../src/signing/base64.ts'
import { decodeHex, encodeHex } from '../../src/signing/hex.ts'

const bytes = fc.uint8Array({ maxLength: 70 })

describe('base64', () => {
  it('agrees with Node, both ways', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        const text = encodeBase64(value)
        expect(text).toBe(Buffer.from(value).toString('base64'))
        expect(decodeBase64(text, 'canonical')).toEqual(new Uint8Array(value))
      }),
      { numRuns: 1000 },
    )
  })

  it('decodes canonically only what encoding gives back', () => {
    const text = fc.string({
      unit: fc.constantFrom('A', 'a', '0', '+', '/', '-', '_', '=', 'Q', '!', ' ', ',', 'é'),
      maxLength: 12,
    })
    fc.assert(
      fc.property(text, (candidate) => {
        const decoded = decodeBase64(candidate, 'canonical')
        const isCanonical = Buffer.from(candidate, 'base64').toString('base64') === candidate
        expect(decoded === null ? null : encodeBase64(decoded)).toBe(isCanonical ? candidate : null)
      }),
      { numRuns: 5000 },
    )
  })

  it.each(['QQ', 'QR==', 'QQ=', 'QQ==='])('refuses %s as canonical', (text) => {
    expect(decodeBase64(text, 'canonical')).toBeNull()
  })

  it('forgives a missing padding and spare bits where asked to be lenient', () => {
    expect(decodeBase64('QQ', 'lenient')).toEqual(new Uint8Array([65]))
    expect(decodeBase64('QR==', 'lenient')).toEqual(new Uint8Array([65]))
  })

  it.each(['Q', 'QQ=', 'Q===', 'Q=Q=', '=', '====', 'QQ==QQ==', 'Q Q=', 'QQ-_', 'QQ\n', 'QQé'])(
    'refuses %j even leniently',
    (text) => {
      expect(decodeBase64(text, 'lenient')).toBeNull()
    },
  )
})

describe('hex', () => {
  it('agrees with Node, both ways and in either case', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        const text = encodeHex(value)
        expect(text).toBe(Buffer.from(value).toString('hex'))
        expect(decodeHex(text)).toEqual(new Uint8Array(value))
        expect(decodeHex(text.toUpperCase())).toEqual(new Uint8Array(value))
      }),
    )
  })

  it.each(['a', 'zz', '0g', 'g0', ' 0', '0é', '٣٣', '0x', '@@', '``', '//', '::'])('refuses %j', (text) => {
    expect(decodeHex(text)).toBeNull()
  })
})

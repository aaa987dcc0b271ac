import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as nodeSeam from '../../src/signing/crypto-node.ts'
import type { CryptoSeam } from '../../src/signing/crypto-seam.ts'
import * as webSeam from '../../src/signing/crypto-web.ts'
import { toHex } from '#crypto'
import { hex } from '../../src/signing/hex.ts'

const bytes = fc.uint8Array({ maxLength: 70 })

const seams: readonly (readonly [string, CryptoSeam])[] = [
  ['crypto-node', nodeSeam],
  ['crypto-web', webSeam],
]

describe.each(seams)('base64 of %s', (_, { fromBase64, toBase64 }) => {
  it('agrees with Node, both ways', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        const text = toBase64(value)
        expect(text).toBe(Buffer.from(value).toString('base64'))
        expect(fromBase64(text, true)).toEqual(new Uint8Array(value))
      }),
      { numRuns: 1000 },
    )
  })

  it('encodes a body of a megabyte', () => {
    const large = new Uint8Array(1_048_576).fill(7)
    expect(toBase64(large)).toBe(Buffer.from(large).toString('base64'))
  })

  it('decodes canonically only what encoding gives back', () => {
    const text = fc.string({
      unit: fc.constantFrom('A', 'a', '0', '+', '/', '-', '_', '=', 'Q', '!', ' ', ',', 'é'),
      maxLength: 12,
    })
    fc.assert(
      fc.property(text, (candidate) => {
        const decoded = fromBase64(candidate, true)
        const isCanonical = Buffer.from(candidate, 'base64').toString('base64') === candidate
        expect(decoded === null ? null : toBase64(decoded)).toBe(isCanonical ? candidate : null)
      }),
      { numRuns: 5000 },
    )
  })

  it.each(['QQ', 'QR==', 'QQ=', 'QQ==='])('refuses %s as canonical', (text) => {
    expect(fromBase64(text, true)).toBeNull()
  })

  it('forgives a missing padding and spare bits where asked to be lenient', () => {
    expect(fromBase64('QQ', false)).toEqual(new Uint8Array([65]))
    expect(fromBase64('QR==', false)).toEqual(new Uint8Array([65]))
  })

  it.each(['Q', 'QQ=', 'Q===', 'Q=Q=', '=', '====', 'QQ==QQ==', 'Q Q=', 'QQ-_', 'QQ\n', 'QQé'])(
    'refuses %j even leniently',
    (text) => {
      expect(fromBase64(text, false)).toBeNull()
    },
  )
})

describe('hex', () => {
  it('case 11: agrees with Node, both ways and in either case', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        const text = toHex(value)
        expect(text).toBe(Buffer.from(value).toString('hex'))
        expect(hex.decode(text)).toEqual(new Uint8Array(value))
        expect(hex.decode(text.toUpperCase())).toEqual(new Uint8Array(value))
      }),
    )
  })

  it.each(['a', 'zz', '0g', 'g0', ' 0', '0é', '٣٣', '0x', '@@', '``', '//', '::'])('case 12: refuses %j', (text) => {
    expect(hex.decode(text)).toBeNull()
  })
})

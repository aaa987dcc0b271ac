import { createHmac } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import * as nodeSeam from '../../src/signing/crypto-node.ts'
import type { CryptoSeam } from '../../src/signing/crypto-seam.ts'
import * as webSeam from '../../src/signing/crypto-web.ts'
import { runs } from '../support/runs.ts'
import { utf8 } from './messages.ts'

const seams: readonly (readonly [string, CryptoSeam])[] = [
  ['crypto-node', nodeSeam],
  ['crypto-web', webSeam],
]

describe.each(seams)('%s', (_, seam) => {
  it('signs as RFC 4231 says, test cases 1, 2 and 6', async () => {
    const cases: readonly (readonly [Uint8Array, string, string])[] = [
      [new Uint8Array(20).fill(0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
      [
        utf8('Jefe'),
        'what do ya want for nothing?',
        '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      ],
      [
        new Uint8Array(131).fill(0xaa),
        'Test Using Larger Than Block-Size Key - Hash Key First',
        '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
      ],
    ]
    for (const [key, text, hex] of cases) {
      expect(Buffer.from(await seam.hmac('256', key)([text])).toString('hex')).toBe(hex)
    }
  })

  it('signs parts as if they were one, text as UTF-8', async () => {
    const part = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.uint8Array())
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 80 }), fc.array(part), async (key, parts) => {
        const whole = Buffer.concat(parts.map((piece) => (typeof piece === 'string' ? utf8(piece) : piece)))
        const expected = createHmac('sha256', key).update(whole).digest('hex')
        expect(Buffer.from(await seam.hmac('256', key)(parts)).toString('hex')).toBe(expected)
      }),
      { numRuns: runs(100) },
    )
  })

  it('leaves no key that was refused to nobody, however long the content takes', async () => {
    const refused: unknown[] = []
    const onRefused = (reason: unknown) => void refused.push(reason)
    process.on('unhandledRejection', onRefused)
    const slow = vi.spyOn(Blob.prototype, 'arrayBuffer').mockImplementation(async () => {
      await setTimeout(5)
      return new ArrayBuffer(0)
    })
    try {
      const judging = (async () => await seam.spkiKey('ecdsa-p256', new Uint8Array(91))(['x'], new Uint8Array(64)))()
      await expect(judging).rejects.toBeInstanceOf(Error)
      await setTimeout(1)
      expect(refused).toEqual([])
    } finally {
      slow.mockRestore()
      process.off('unhandledRejection', onRefused)
    }
  })

  it('keeps its own copy of the key', async () => {
    const secret = utf8('0123456789abcdef0123456789abcdef')
    const sign = seam.hmac('256', secret)
    const expected = createHmac('sha256', secret).update('x').digest('hex')
    secret.fill(0)
    expect(Buffer.from(await sign(['x'])).toString('hex')).toBe(expected)
  })

  it('case 9: compares bytes, and answers false for other lengths', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (left, right) => {
        expect(seam.isEqual(left, right)).toBe(Buffer.from(left).equals(right))
        expect(seam.isEqual(left, new Uint8Array(left))).toBe(true)
      }),
    )
    expect(seam.isEqual(utf8('abc'), utf8('abd'))).toBe(false)
    expect(seam.isEqual(utf8('abc'), utf8('abcd'))).toBe(false)
  })

  it('copies bytes, each copy apart from the others and from what it was made of', () => {
    const given = Array.from(Array(300).keys(), (index) => new Uint8Array((index * 97) % 9001).fill(index + 1))
    const texts = (list: readonly Uint8Array[]) => list.map((bytes) => Buffer.from(bytes).toString('latin1'))
    const expected = texts(given)
    const copies = given.map((bytes) => seam.copyBytes(bytes))
    for (const bytes of given) bytes.fill(0)
    expect(texts(copies)).toEqual(expected)
    const owned = copies.map((copy) => seam.ownBytes(copy))
    expect(owned.map(({ buffer }) => buffer.byteLength)).toEqual(expected.map(({ length }) => length))
    expect(texts(owned)).toEqual(expected)
  })

  it('gives as many random bytes as asked for, others each time', () => {
    expect(seam.randomBytes(32)).toHaveLength(32)
    expect(Buffer.from(seam.randomBytes(32)).equals(seam.randomBytes(32))).toBe(false)
  })
})

describe('crypto-node', () => {
  // By the platform's own HMAC: around the block of the hash, and around the length up to which a content is short.
  it.each(['256', '1'] as const)('signs with SHA-%s whatever the lengths of key and content', (hash) => {
    const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 255)
    for (const keyLength of [1, 20, 32, 63, 64, 65, 200]) {
      const key = bytes(keyLength)
      const sign = nodeSeam.hmac(hash, key)
      for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 16_383, 16_384, 16_385, 65_536]) {
        const expected = createHmac(`sha${hash}`, key).update(bytes(length)).digest('hex')
        expect(Buffer.from(sign([bytes(length)]) as Uint8Array).toString('hex')).toBe(expected) // it signs at once
      }
      for (const text of ['x'.repeat(5461), 'é'.repeat(5461), '語'.repeat(5461), '語'.repeat(5462), '\ud800']) {
        const expected = createHmac(`sha${hash}`, key).update(`id.${text}`).digest('hex')
        expect(Buffer.from(sign(['id.', text]) as Uint8Array).toString('hex')).toBe(expected)
      }
    }
  })

  it('keeps signatures apart that are made one after the other', () => {
    const [first, second] = [nodeSeam.hmac('256', utf8('first')), nodeSeam.hmac('256', utf8('second'))]
    const made = [first(['long text '.repeat(100)]), second(['x']), first(['x'])]
    const expected = [
      createHmac('sha256', 'first').update('long text '.repeat(100)),
      createHmac('sha256', 'second').update('x'),
      createHmac('sha256', 'first').update('x'),
    ]
    expect(made.map((mac) => Buffer.from(mac as Uint8Array))).toEqual(expected.map((hmac) => hmac.digest()))
  })

  it('signs without waiting', () => {
    expect(nodeSeam.hmac('256', utf8('key'))(['text'])).toBeInstanceOf(Uint8Array)
  })
})

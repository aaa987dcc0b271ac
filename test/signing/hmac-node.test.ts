import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createShortHmac, feed } from '../../src/signing/hmac-node.ts'
import { utf8 } from './messages.ts'

describe('feed', () => {
  it('gives neighbouring texts as one, and nothing for none', () => {
    const written: unknown[] = []
    const hasher = { update: (part: string | Uint8Array) => void written.push(part) }
    const bytes = utf8('bytes')
    expect(feed(hasher, ['a', '', 'b', bytes, bytes, 'c', 'd'])).toBe(hasher)
    expect(written.splice(0)).toEqual(['ab', bytes, bytes, 'cd'])
    feed(hasher, [bytes])
    expect(written.splice(0)).toEqual([bytes])
  })
})

describe('createShortHmac', () => {
  const expected = (content: string | Uint8Array, key: Uint8Array) => createHmac('sha256', key).update(content).digest()

  it('signs what is short, and gives up what might not fit, by bytes and by three for each UTF-16 unit', () => {
    const key = utf8('key')
    const sign = createShortHmac('sha256', key)!
    const bytes = new Uint8Array(16_384).fill(7)
    expect(sign([bytes])).toEqual(expected(bytes, key))
    expect(sign([bytes, 'x'])).toBeNull()
    expect(sign([bytes, Uint8Array.of(1)])).toBeNull()
    expect(sign(['x'.repeat(5_461)])).toEqual(expected('x'.repeat(5_461), key))
    expect(sign(['€'.repeat(5_461)])).toEqual(expected('€'.repeat(5_461), key))
    expect(sign(['x'.repeat(5_462)])).toBeNull()
  })

  it.each(['', 'x'.repeat(100), 'x'.repeat(101), 'id.é.1', 'é', '\u007f\u0080\u00ff', 'id\ud83d\ude00.', 'cut \ud83d'])(
    'signs %j as UTF-8, alone and between others',
    (text) => {
      const key = utf8('key')
      const sign = createShortHmac('sha256', key)!
      expect(sign([text])).toEqual(expected(text, key))
      expect(sign(['id', text, '.', utf8('bytes'), text])).toEqual(expected(`id${text}.bytes${text}`, key))
    },
  )

  it('leaves nothing of one content for the next, and of one key for another', () => {
    const [one, other] = [utf8('one'), utf8('x'.repeat(65))]
    const [signOne, signOther] = [createShortHmac('sha256', one)!, createShortHmac('sha256', other)!]
    expect(signOne(['a long content'])).toEqual(expected('a long content', one))
    expect(signOther(['short'])).toEqual(expected('short', other))
    expect(signOne([])).toEqual(expected('', one))
    expect(signOne(['short'])).toEqual(expected('short', one))
  })

  it.each([63, 64, 65])('takes a key of %i bytes, on either side of a block', (length) => {
    const key = new Uint8Array(length).fill(9)
    expect(createShortHmac('sha256', key)!(['x'])).toEqual(expected('x', key))
    const sha1 = createHmac('sha1', key).update('x').digest()
    expect(createShortHmac('sha1', key)!(['x'])).toEqual(sha1)
  })
})

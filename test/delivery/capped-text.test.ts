import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { CappedText } from '../../src/delivery/capped-text.ts'

describe('CappedText', () => {
  it.each([
    ['a Buffer', Buffer.from('first')],
    ['a Uint8Array', new TextEncoder().encode('first')],
  ])('keeps a copy of what stands in %s, which may be used again', (_, chunk) => {
    const text = new CappedText(10)
    text.add(chunk)
    chunk.fill(0x78)
    expect(text.end()).toBe('first')
  })

  it.each([
    [[3, 4], 'first a', false],
    [[10], 'first and ', false],
    [[11], 'first and ', true],
    [[4, 4, 4], 'first and ', true],
    [[10, 1], 'first and ', true],
  ])('keeps ten bytes of chunks of %j', (lengths, expected, isFull) => {
    const body = Buffer.from('first and last')
    const text = new CappedText(10)
    let at = 0
    for (const length of lengths) text.add(body.subarray(at, (at += length)))
    expect(text.end()).toBe(expected)
    expect(text.isFull).toBe(isFull)
  })

  it('puts a character together that two chunks share, and leaves out one that is cut off', () => {
    const text = new CappedText(5)
    for (const byte of Buffer.from('€€')) text.add(Buffer.of(byte))
    expect(text.end()).toBe('€')
    expect(new CappedText(5).end()).toBe('')
  })

  it('takes no more memory for chunks of one byte', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void // what the flag adds
    const live = () => {
      collect()
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    }
    const [chunk, before] = [Buffer.from('x'), live()]
    const texts = Array.from({ length: 10 }, () => new CappedText(16_384))
    for (const text of texts) for (let n = 0; n < 16_384; n++) text.add(chunk)
    // 160 KiB of text; an object for each byte was 40 MiB.
    expect(live() - before).toBeLessThan(4 * 2 ** 20)
    expect(texts.map((text) => text.end().length)).toEqual(texts.map(() => 16_384))
  })
})

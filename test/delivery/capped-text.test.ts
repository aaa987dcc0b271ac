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
})

import { describe, expect, it } from 'vitest'
import type { SignatureLayout } from '../../src/signing/scheme.ts'
import { standardWebhooks } from '../../src/signing/schemes/standard-webhooks.ts'
import { parseSignatures } from '../../src/signing/signature-header.ts'

const list = standardWebhooks.signature
const texts = (text: string) => new Map([['webhook-signature', text]])
const of = (byte: number) => Buffer.alloc(32, byte)
const written = (byte: number) => `v1,${of(byte).toString('base64')}`

describe('parseSignatures', () => {
  it('reads a list, also one that was joined with commas', () => {
    for (const joint of [' ', ', ']) {
      const found = parseSignatures(texts([written(1), 'v9,x', written(2)].join(joint)), list)
      expect(Object.entries(found ?? {}).map(([name, all]) => [name, all?.map((each) => Buffer.from(each))])).toEqual([
        ['hmac-sha256', [of(1), of(2)]],
      ])
    }
  })

  it('reads one signature, and no list, where the scheme has one', () => {
    const single: SignatureLayout = { ...list, syntax: 'single', prefixes: { 'hmac-sha256': 'v1=' } }
    const one = `v1=${of(1).toString('base64')}`
    expect(parseSignatures(texts(one), single)?.['hmac-sha256']).toHaveLength(1)
    expect(parseSignatures(texts(`${one} ${one}`), single)).toBeNull()
  })

  it('takes no empty signature, whatever length a scheme allows', () => {
    const encoding = { name: 'text', encode: () => '', decode: (text: string) => new TextEncoder().encode(text) }
    const token: SignatureLayout = { header: 'x-token', encoding, prefixes: { token: 't=' }, syntax: 'list' }
    expect(parseSignatures(new Map([['x-token', 't= t=abc']]), token)?.['token']).toHaveLength(1)
    expect(parseSignatures(new Map([['x-token', 't=']]), token)).toBeNull()
  })

  it('says how many are too many', () => {
    const many = (count: number) => texts(Array.from({ length: count }, () => written(1)).join(' '))
    expect(parseSignatures(many(16), list)?.['hmac-sha256']).toHaveLength(16)
    expect(() => parseSignatures(many(17), list)).toThrow(/webhook-signature has over 16 signatures/i)
  })
})

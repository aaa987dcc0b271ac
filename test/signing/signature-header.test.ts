import { describe, expect, it } from 'vitest'
import type { Scheme, SignatureLayout } from '../../src/signing/scheme.ts'
import { standardWebhooks } from '../../src/signing/schemes/standard-webhooks.ts'
import { listSignatures } from '../../src/signing/signature-header.ts'
import { Verifier } from '../../src/signing/verifier.ts'

const list = standardWebhooks.signature
const texts = (text: string) => new Map([['webhook-signature', text]])

describe('listSignatures', () => {
  it('reads a list, also one that was joined with commas', () => {
    for (const joint of [' ', ', '])
      expect(listSignatures(texts(['v1,a', 'v9,x', 'v1,b'].join(joint)), list)).toEqual(['v1,a', 'v9,x', 'v1,b'])
  })

  it('reads one signature, and no list, where the scheme has one', () => {
    const single: SignatureLayout = { ...list, syntax: 'single' }
    expect(listSignatures(texts('v1=a v1=b'), single)).toEqual(['v1=a v1=b'])
    expect(() => listSignatures(texts('v1=a, v1=b'), single)).toThrow(/sent twice/)
  })

  it('says how many are too many', () => {
    const many = (count: number, max?: number) =>
      listSignatures(texts(Array.from({ length: count }, () => 'v1,x').join(' ')), {
        ...list,
        ...(max && { maxSignatures: max }),
      })
    expect(many(16)).toHaveLength(16)
    expect(() => many(17)).toThrow(/webhook-signature has over 16 signatures/i)
    expect(many(100, 100)).toHaveLength(100)
    expect(() => many(101, 100)).toThrow(/over 100 signatures/i)
  })
})

describe('a signature without any bytes', () => {
  it('is none, whatever the key says of it', async () => {
    const seen: string[] = []
    const check = (_: unknown, signature: Uint8Array) => (seen.push(new TextDecoder().decode(signature)), true)
    const scheme: Scheme = {
      ...standardWebhooks,
      covers: ['body'],
      timestamp: null,
      eventId: null,
      readSecret: (secret) => ({ algorithm: 'token', bytes: new TextEncoder().encode(secret), check }),
      signature: {
        header: 'x-token',
        encoding: { name: 'text', decode: (text: string) => new TextEncoder().encode(text) },
        prefixes: { token: 't=' },
        syntax: 'list',
      },
    }
    const verifier = new Verifier({ secret: 'any', scheme })
    const verify = (token: string) => verifier.verify({ headers: { 'x-token': token }, body: '' })
    await expect(verify('t=')).rejects.toMatchObject({ code: 'SIGNATURE_MISMATCH' })
    await expect(verify('t= t=abc')).resolves.toMatchObject({ keyIndex: 0 })
    expect(seen).toEqual(['abc'])
  })
})

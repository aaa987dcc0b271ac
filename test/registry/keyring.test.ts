import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyring } from 'posthorn'

const context = { tenantId: 'acme', webhookId: 'w1', field: 'secrets' }
const oldKey = randomBytes(32)
const newKey = randomBytes(32).toString('base64')

const bytesOf = (sealed: string) => Buffer.from(sealed.split(':')[2] ?? '', 'base64url')
const withBytes = (sealed: string, bytes: Uint8Array) =>
  [...sealed.split(':').slice(0, 2), Buffer.from(bytes).toString('base64url')].join(':')
const unreadable = expect.objectContaining({ name: 'PosthornError', code: 'SECRET_UNREADABLE' })

describe('keyring', () => {
  it('opens what it sealed, for the same place', () => {
    const ring = keyring({ k1: oldKey })
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, tenantId) => {
        const place = { ...context, tenantId }
        expect(ring.open(ring.seal(text, place), place)).toBe(text)
      }),
      { numRuns: 50 },
    )
  })

  it('seals with the last key given, names it in the text, and opens with every key', () => {
    const before = keyring({ k1: oldKey })
    const sealed = before.seal('text', context)
    const after = keyring({ k1: oldKey, k2: newKey })
    expect(sealed).toMatch(/^a256gcm:k1:[\w-]+$/)
    expect(after.open(sealed, context)).toBe('text')
    expect(after.seal('text', context)).toMatch(/^a256gcm:k2:/)
    expect([after.isCurrent(sealed), after.isCurrent(after.seal('text', context))]).toEqual([false, true])
  })

  it('uses an iv of 96 bits and never the same one', () => {
    const ring = keyring({ k1: oldKey })
    const sealed = Array.from({ length: 1_000 }, () => bytesOf(ring.seal('', context)))
    expect(new Set(sealed.map((bytes) => bytes.subarray(0, 12).toString('hex'))).size).toBe(1_000)
    expect(sealed.every((bytes) => bytes.length === 12 + 16)).toBe(true)
  })

  it.each([
    ['tenant', { tenantId: 'other' }],
    ['webhook', { webhookId: 'w2' }],
    ['field', { field: 'headers' }],
  ])('opens nothing for another %s', (_, change) => {
    const ring = keyring({ k1: oldKey })
    const sealed = ring.seal('text', context)
    expect(() => ring.open(sealed, { ...context, ...change })).toThrow(unreadable)
  })

  it('tells places apart whose parts join to the same text', () => {
    const ring = keyring({ k1: oldKey })
    const sealed = ring.seal('text', { tenantId: 'a', webhookId: 'bc', field: 'd' })
    expect(() => ring.open(sealed, { tenantId: 'ab', webhookId: 'c', field: 'd' })).toThrow(unreadable)
  })

  it('opens nothing of which one bit was changed', () => {
    const ring = keyring({ k1: oldKey })
    const sealed = ring.seal('whsec_text', context)
    const bytes = bytesOf(sealed)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => ring.open(withBytes(sealed, changed), context), `bit ${bit}`).toThrow(unreadable)
    }
  })

  it('demands the whole tag of 16 bytes', () => {
    const ring = keyring({ k1: oldKey })
    for (const text of ['', 'text']) {
      const sealed = ring.seal(text, context)
      const bytes = bytesOf(sealed)
      for (let length = 0; length < bytes.length; length++) {
        expect(() => ring.open(withBytes(sealed, bytes.subarray(0, length)), context), `${length}`).toThrow(unreadable)
      }
    }
  })

  it.each(['', 'a', 'a256gcm:k1', 'a256gcm:k1:', 'a256gcm:k1:!!', 'a256gcm:k1:AAAA:x', 'v1:k1:AAAA', '{"v":1}'])(
    'refuses %j as no text of its own',
    (sealed) => {
      expect(() => keyring({ k1: oldKey }).open(sealed, context)).toThrow(unreadable)
    },
  )

  it('takes one form of a text only', () => {
    const ring = keyring({ k1: oldKey })
    const sealed = ring.seal('text', context)
    for (const form of [`${sealed}=`, `${sealed} `, `${sealed}\n`, `${sealed.slice(0, 20)}!${sealed.slice(20)}`]) {
      expect(() => ring.open(form, context), form).toThrow(unreadable)
    }
  })

  it('says which key is missing, and takes another key of the same id for a change', () => {
    const sealed = keyring({ k1: oldKey }).seal('text', context)
    expect(() => keyring({ k2: newKey }).open(sealed, context)).toThrow(
      expect.objectContaining({ code: 'ENCRYPTION_KEY_UNKNOWN', message: expect.stringContaining('"k1"') }),
    )
    expect(() => keyring({ k1: newKey }).open(sealed, context)).toThrow(unreadable)
  })

  it.each<[string, Record<string, unknown>]>([
    ['no key', {}],
    ['31 bytes', { k1: randomBytes(31) }],
    ['33 bytes', { k1: randomBytes(33) }],
    ['base64 of 16 bytes', { k1: randomBytes(16).toString('base64') }],
    ['hex of 32 bytes', { k1: randomBytes(32).toString('hex') }],
    ['text that is no base64', { k1: 'correct horse battery staple ...' }],
    ['an unset variable', { k1: undefined }],
    ['an empty text', { k1: '' }],
    ['a number', { k1: 5 }],
    ['an id that JavaScript would put in front', { k1: oldKey, 2025: oldKey }],
    ['an id with a colon', { 'k:1': oldKey }],
    ['an id of 33 characters', { ['k'.repeat(33)]: oldKey }],
  ])('refuses %s and quotes no key', (_, keys) => {
    const error = thrownBy(() => keyring(keys as Record<string, string>))
    expect(error).toMatchObject({ name: 'PosthornError', code: 'ENCRYPTION_KEY_INVALID' })
    const texts = Object.values(keys).filter((key) => typeof key === 'string' && key !== '')
    for (const key of texts) expect(inspect(error)).not.toContain(key)
  })

  it('takes an object of keys only', () => {
    expect(() => keyring(newKey as never)).toThrow(TypeError)
    expect(() => keyring([newKey] as never)).toThrow(TypeError)
    expect(() => keyring(null as never)).toThrow(TypeError)
  })

  it('shows no key, whatever prints it', () => {
    const ring = keyring({ k1: oldKey, k2: newKey })
    const printed = [inspect(ring, { depth: 9, showHidden: true }), JSON.stringify(ring)].join(' ')
    for (const secret of [newKey, oldKey.toString('hex'), oldKey.toString('base64')]) {
      expect(printed).not.toContain(secret)
    }
  })

  it('derives keys for other purposes, newest first', () => {
    const [first, second, ...rest] = keyring({ k1: oldKey, k2: newKey }).deriveKeys('cursors')
    expect(rest).toEqual([])
    expect(keyring({ k1: oldKey }).deriveKeys('cursors')).toEqual([second])
    expect(keyring({ k2: newKey }).deriveKeys('cursors')).toEqual([first])
    expect(keyring({ k2: newKey }).deriveKeys('other')).not.toEqual([first])
    expect(first).toHaveLength(32)
  })
})

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return expect.fail('nothing was thrown')
}

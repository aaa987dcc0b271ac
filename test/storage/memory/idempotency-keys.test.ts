import { describe, expect, it } from 'vitest'
import { IdempotencyKeys } from '../../../src/storage/memory/idempotency-keys.ts'

describe('IdempotencyKeys', () => {
  it('remembers a key up to its last millisecond', () => {
    const keys = new IdempotencyKeys()
    keys.remember('acme', 'key', { eventId: 'e', bodyHash: 'h' }, 100)
    expect(keys.find('acme', 'key', 99)).toEqual({ eventId: 'e', bodyHash: 'h' })
    expect(keys.find('acme', 'key', 100)).toBeUndefined()
    expect(keys.find('globex', 'key', 0)).toBeUndefined()
  })

  it('forgets expired keys, and not one that was remembered anew', () => {
    const keys = new IdempotencyKeys()
    for (let count = 0; count < 500; count++) {
      keys.remember('acme', String(count), { eventId: 'e', bodyHash: 'h' }, 100)
    }
    keys.remember('acme', '7', { eventId: 'later', bodyHash: 'h' }, 200)
    keys.forgetExpired(100)
    expect(keys.size).toBe(1)
    expect(keys.find('acme', '7', 150)?.eventId).toBe('later')
    keys.forgetExpired(200)
    expect(keys.size).toBe(0)
  })

  it('keeps tenants and keys with odd characters apart', () => {
    const keys = new IdempotencyKeys()
    keys.remember('a","b', 'c', { eventId: 'e', bodyHash: 'h' }, 100)
    expect(keys.find('a', 'b","c', 0)).toBeUndefined()
  })
})

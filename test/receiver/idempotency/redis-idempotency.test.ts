import { redisIdempotency } from 'posthorn/receiver'
import { idempotencyConformance } from 'posthorn/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { toSendCommand } from '../../../src/receiver/idempotency/redis-client.ts'
import { RedisIdempotency } from '../../../src/receiver/idempotency/redis-idempotency.ts'
import { connectRedis, newPrefix } from './redis-server.ts'

const redis = await connectRedis()
const event = { scope: 's', id: 'i', lease: 'l', leaseMs: 60_000, keepMs: 120_000, fingerprint: 'f', record: null }

describe.skipIf(redis === null)('redisIdempotency', () => {
  const run = newPrefix()
  const client = redis!
  afterAll(async () => {
    const keys = await client.keys(`${run}*`)
    if (keys.length > 0) await client.del(...keys)
    client.disconnect()
  })

  let stores = 0
  const createStore = ({ clock }: { clock: () => number }) =>
    new RedisIdempotency(toSendCommand(client), `${run}-${++stores}`, () => String(clock()))
  idempotencyConformance({ describe, it }, { createStore })

  it("goes by the server's clock", async () => {
    const store = redisIdempotency(client, { prefix: `${run}-clock` })
    expect(await store.reserve({ ...event, record: 'text' })).toEqual({
      status: 'reserved',
      attempt: 1,
      fingerprint: 'f',
    })
    const second = await store.reserve({ ...event, lease: 'other' })
    expect(second.status === 'in-flight' && second.retryInMs > 30_000 && second.retryInMs <= 60_000).toBe(true)
    const expected = [{ id: 'i', attempt: 2, fingerprint: 'f', record: 'text' }]
    await store.release(event)
    expect(await store.claimLapsed({ scope: 's', lease: 'claim', leaseMs: 60_000, limit: 10 })).toEqual(expected)
  })

  it('lets Redis remove what has outlived its keep time, and keeps the keys of one endpoint in one slot', async () => {
    const prefix = `${run}-ttl`
    await redisIdempotency(client, { prefix }).reserve({ ...event, record: 'text' })
    const keys = await client.keys(`${prefix}*`)
    expect(keys.toSorted()).toEqual([`${prefix}:{s}:event:i`, `${prefix}:{s}:lapsing`])
    for (const key of keys) {
      const ttl = await client.pttl(key)
      expect(ttl).toBeGreaterThan(60_000)
      expect(ttl).toBeLessThanOrEqual(120_000)
    }
  })

  it.each([
    ['node-redis', { sendCommand: async ([name, ...args]: string[]) => await client.call(name!, ...args) }],
    ['Bun', { send: async (name: string, args: string[]) => await client.call(name, ...args) }],
  ])("works on a client of %s's shape", async (name, shaped) => {
    const store = redisIdempotency(shaped, { prefix: `${run}-${name}` })
    expect((await store.reserve(event)).status).toBe('reserved')
    expect(await store.complete(event, 60_000)).toBe(true)
    expect((await store.reserve(event)).status).toBe('completed')
  })
})

describe('redisIdempotency', () => {
  it.each([[{}], [null], ['redis://localhost']])('refuses %j for a client', (client) => {
    // @ts-expect-error no client
    expect(() => redisIdempotency(client)).toThrow(TypeError)
  })

  it.each(['', 'a{b}', 'a b', 'x'.repeat(65)])('refuses the prefix %j', (prefix) => {
    expect(() => redisIdempotency({ send: async () => null }, { prefix })).toThrow(TypeError)
  })

  it('refuses a reply that is none of its scripts', async () => {
    const store = redisIdempotency({ send: async () => 'OK' })
    await expect(store.reserve(event)).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
  })
})

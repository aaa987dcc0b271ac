import { type IdempotencyStore, memoryIdempotency, redisIdempotency } from 'posthorn/receiver'
import { postgresIdempotency } from 'posthorn/postgres'
import { sqliteIdempotency } from 'posthorn/sqlite'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Encryption } from '../../src/registry/encryption.ts'
import { keyring } from '../../src/registry/keyring.ts'
import { memoryStorage } from '../../src/storage/memory/memory-storage.ts'
import { toExecutor } from '../../src/storage/postgres/postgres-client.ts'
import { connectRedis, newPrefix } from '../receiver/idempotency/redis-server.ts'
import { overridingStore } from '../receiver/receiver-fixture.ts'
import { connectPglite, connectPool, noServer } from '../storage/postgres/test-database.ts'
import { tempFile } from '../storage/sqlite/temp-file.ts'
import { manualClock } from '../support/clock.ts'
import { overriding } from '../support/overriding.ts'
import { buildApi, expectProblem, input } from './api-fixture.ts'
import { deferred } from './deferred.ts'

const keyed = (key = 'k1', tenant = 'acme') => ({ 'idempotency-key': key, 'x-tenant': tenant })
const encryption = keyring({ k1: Buffer.alloc(32, 7) })
const nameOfSchema = `posthorn_test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`

/** Builds the API of two processes: they share the database of webhooks and the store of answers, and nothing else. */
function twoProcesses(one: IdempotencyStore, other = one, storage = memoryStorage()) {
  const build = (idempotency: IdempotencyStore) => buildApi({ storage, encryption, idempotency })
  return [build(one), build(other)] as const
}

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Every kind of store, as two processes open it. */
const stores: Record<string, () => Promise<readonly [IdempotencyStore, IdempotencyStore] | null>> = {
  memory: async () => {
    const store = memoryIdempotency()
    return [store, store]
  },
  sqlite: async () => {
    // Node 20 has none.
    if (process.getBuiltinModule('node:sqlite') === undefined) return null
    const file = tempFile()
    const [one, other] = [sqliteIdempotency(file), sqliteIdempotency(file)]
    closing.push(
      () => one.close(),
      () => other.close(),
    )
    return [one, other]
  },
  postgres: async () => {
    const one = noServer ? connectPglite() : connectPool()
    const other = noServer ? one : connectPool()
    const stored = postgresIdempotency(one.client, { schema: nameOfSchema })
    await stored.migrate()
    closing.push(async () => {
      await toExecutor(one.client).query(`DROP SCHEMA ${nameOfSchema} CASCADE`, [])
      await one.end()
      if (other !== one) await other.end()
    })
    return [stored, postgresIdempotency(other.client, { schema: nameOfSchema })]
  },
  redis: async () => {
    const [one, other] = [await connectRedis(), await connectRedis()]
    if (one === null || other === null) return null
    const prefix = newPrefix()
    closing.push(async () => {
      await one.del(...(await one.keys(`${prefix}*`)))
      one.disconnect()
      other.disconnect()
    })
    return [redisIdempotency(one, { prefix }), redisIdempotency(other, { prefix })]
  },
}

describe.each(Object.entries(stores))('two APIs on one store: %s', (_, open) => {
  it('make one webhook of repeats that reach either, at once and later', async ({ skip }) => {
    const opened = await open()
    if (opened === null) return skip()
    const apis = twoProcesses(...opened)
    const key = `key-${Math.random()}`
    const atOnce = Array.from({ length: 10 }, (__, n) => apis[n % 2]!.call('POST', '/webhooks', input(), keyed(key)))
    const answers = await Promise.all(atOnce)
    for (const { call } of apis) answers.push(await call('POST', '/webhooks', input(), keyed(key)))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(new Set(answers.map(({ headers }) => headers.get('location'))).size).toBe(1)
    const replayed = answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')
    expect(replayed).toHaveLength(answers.length - 1)
    expect(await apis[0].registry.count({ tenantId: 'acme' })).toBe(1)
    const other = await apis[1].call('POST', '/webhooks', input({ name: 'b' }), keyed(key))
    expectProblem(other, 409, 'IDEMPOTENCY_CONFLICT')
  })
})

describe('a shared store of answers', () => {
  it('keeps no secret, no key, no tenant in clear', async () => {
    const written: string[] = []
    const intact = memoryIdempotency()
    const store = overridingStore(
      {
        reserve: (reservation) => (written.push(JSON.stringify(reservation)), intact.reserve(reservation)),
        complete: (held, ...rest) => (written.push(JSON.stringify([held, ...rest])), intact.complete(held, ...rest)),
      },
      intact,
    )
    const [one, other] = twoProcesses(store)
    const { body } = await one.call('POST', '/webhooks', input(), keyed('a-key-of-a-client'))
    expect(body.secret).toMatch(/^whsec_/)
    expect((await other.call('POST', '/webhooks', input(), keyed('a-key-of-a-client'))).body.secret).toBe(body.secret)
    expect(written).toHaveLength(3)
    const secrets = [
      body.secret,
      body.secret.slice('whsec_'.length),
      body.id,
      'a-key-of-a-client',
      '"acme"',
      'example.com',
    ]
    for (const part of secrets) expect(written.join('\n')).not.toContain(part)
  })

  it('belongs to one tenant', async () => {
    const [one, other] = twoProcesses(memoryIdempotency())
    const { body } = await one.call('POST', '/webhooks', input(), keyed('k1', 'acme'))
    const foreign = await other.call('POST', '/webhooks', input(), keyed('k1', 'globex'))
    expect(foreign.body).toMatchObject({ tenantId: 'globex' })
    expect(foreign.body.id).not.toBe(body.id)
  })

  it.each([
    ['key', keyed('k2')],
    ['tenant', keyed('k1', 'globex')],
  ])('does not give the answer that was copied under another %s', async (_, headers) => {
    const answers: string[] = []
    const intact = memoryIdempotency()
    const swapping = overridingStore(
      {
        complete: (held, keepMs, answer = '') => (answers.push(answer), intact.complete(held, keepMs, answers[0])),
      },
      intact,
    )
    const [one] = twoProcesses(swapping)
    await one.call('POST', '/webhooks', input(), keyed('k1', 'acme'))
    await one.call('POST', '/webhooks', input(), headers)
    const repeat = await one.call('POST', '/webhooks', input(), headers)
    expectProblem(repeat, 409, 'IDEMPOTENCY_CONFLICT')
    expect(repeat.text).toContain('was done')
    expect(one.errors).toMatchObject([{ code: 'SECRET_UNREADABLE' }])
  })

  it('keeps no failure: the request may be repeated', async () => {
    const intact = memoryStorage()
    let failures = 1
    const storage = overriding(intact, {
      insertWebhook: async (...args) => {
        if (failures-- > 0) throw new Error('the disk is full')
        await intact.insertWebhook(...args)
      },
    })
    const [one, other] = twoProcesses(memoryIdempotency(), undefined, storage)
    expect((await one.call('POST', '/webhooks', input(), keyed())).status).toBe(500)
    expectProblem(await one.call('POST', '/webhooks', {}, keyed('k2')), 422, 'VALIDATION_FAILED')
    expect((await other.call('POST', '/webhooks', input(), keyed())).status).toBe(201)
    expect((await other.call('POST', '/webhooks', input(), keyed('k2'))).status).toBe(201)
    expect(await one.registry.count({ tenantId: 'acme' })).toBe(2)
  })

  it('keeps no refusal either', async () => {
    const clock = manualClock()
    const idempotency = memoryIdempotency()
    const { call } = buildApi({ clock: clock.now, idempotency, limits: { creationsPerMinute: 1 } })
    await call('POST', '/webhooks', input())
    expectProblem(await call('POST', '/webhooks', input(), keyed()), 429, 'RATE_LIMITED')
    clock.advance(60_000)
    expect((await call('POST', '/webhooks', input(), keyed())).status).toBe(201)
  })

  it('is forgotten after 24 hours', async () => {
    const clock = manualClock()
    const [one, other] = twoProcesses(memoryIdempotency({ clock: clock.now }))
    const first = await one.call('POST', '/webhooks', input(), keyed())
    clock.advance(86_399_999)
    expect((await other.call('POST', '/webhooks', input(), keyed())).text).toBe(first.text)
    clock.advance(1)
    expect((await other.call('POST', '/webhooks', input(), keyed())).text).not.toBe(first.text)
  })

  it('lets a repeat in 6 minutes after a process died in the middle, and tells it to come back until then', async () => {
    const clock = manualClock()
    const store = memoryIdempotency({ clock: clock.now })
    const intact = memoryStorage()
    const dead = deferred<never>()
    const begun = deferred<void>()
    const dying = overriding(intact, { insertWebhook: () => (begun.resolve(), dead.promise) })
    const [one] = twoProcesses(store, store, dying)
    const [, other] = twoProcesses(store, store, intact)
    void one.call('POST', '/webhooks', input(), keyed())
    await begun.promise
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
    closing.push(() => vi.useRealTimers())
    const repeat = other.call('POST', '/webhooks', input(), keyed())
    await vi.advanceTimersByTimeAsync(11_000)
    const answer = await repeat
    expectProblem(answer, 409, 'REQUEST_IN_FLIGHT')
    expect(answer.headers.get('retry-after')).toBe('5')
    clock.advance(360_000)
    // Another request under the key is refused, and does not take the place of the one that was begun.
    expectProblem(await other.call('POST', '/webhooks', input({ name: 'b' }), keyed()), 409, 'IDEMPOTENCY_CONFLICT')
    expect((await other.call('POST', '/webhooks', input(), keyed())).status).toBe(201)
  })

  it('answers another request under the key at once, though the first is under way', async () => {
    const intact = memoryStorage()
    const [begun, gate] = [deferred<void>(), deferred<void>()]
    const storage = overriding(intact, {
      insertWebhook: async (...args) => {
        begun.resolve()
        await gate.promise
        await intact.insertWebhook(...args)
      },
    })
    const [one, other] = twoProcesses(memoryIdempotency(), undefined, storage)
    const first = one.call('POST', '/webhooks', input(), keyed())
    await begun.promise
    const askedAt = performance.now()
    expectProblem(await other.call('POST', '/webhooks', input({ name: 'b' }), keyed()), 409, 'IDEMPOTENCY_CONFLICT')
    expect(performance.now() - askedAt).toBeLessThan(5_000)
    gate.resolve()
    expect((await first).status).toBe(201)
  })

  it('gives up waiting with its client', async () => {
    const [begun, dead] = [deferred<void>(), deferred<never>()]
    const storage = overriding(memoryStorage(), { insertWebhook: () => (begun.resolve(), dead.promise) })
    const [one, other] = twoProcesses(memoryIdempotency(), undefined, storage)
    void one.call('POST', '/webhooks', input(), keyed())
    await begun.promise
    const headers = { 'content-type': 'application/json', ...keyed() }
    const init = { method: 'POST', headers, body: JSON.stringify(input()), signal: AbortSignal.timeout(50) }
    const response = await other.api(new Request('http://localhost/webhooks', init))
    expect(await response.json()).toMatchObject({ status: 400, code: 'REQUEST_ABORTED' })
  })

  it('does nothing while the store is away', async () => {
    const away = overridingStore({ reserve: () => Promise.reject(new Error('connection lost')) })
    const { call, errors, registry } = buildApi({ idempotency: away })
    expectProblem(await call('POST', '/webhooks', input(), keyed()), 503, 'STORAGE_UNAVAILABLE')
    expect(errors).toMatchObject([{ code: 'STORAGE_UNAVAILABLE', cause: { message: 'connection lost' } }])
    expect(await registry.count({ tenantId: 'acme' })).toBe(0)
    expect((await call('POST', '/webhooks', input())).status).toBe(201)
  })

  it('answers what was done though the store is away by then, and tells the operator', async () => {
    const lost = () => Promise.reject(new Error('connection lost'))
    const { call, errors } = buildApi({ idempotency: overridingStore({ complete: lost, release: lost }) })
    expect((await call('POST', '/webhooks', input(), keyed())).status).toBe(201)
    expectProblem(await call('POST', '/webhooks', {}, keyed('k2')), 422, 'VALIDATION_FAILED')
    expect(errors).toMatchObject([{ code: 'STORAGE_UNAVAILABLE' }, { code: 'STORAGE_UNAVAILABLE' }])
  })

  it('does it once where the answer cannot be sealed, and says so to a repeat', async () => {
    const failing: Encryption = {
      isCurrent: () => true,
      open: (sealed, context) => encryption.open(sealed, context),
      seal: (text, context) => {
        if (context.field === 'answer') throw new Error('the KMS is away')
        return encryption.seal(text, context)
      },
    }
    const { call, errors, registry } = buildApi({ idempotency: memoryIdempotency(), encryption: failing })
    expect((await call('POST', '/webhooks', input(), keyed())).status).toBe(201)
    const repeat = await call('POST', '/webhooks', input(), keyed())
    expectProblem(repeat, 409, 'IDEMPOTENCY_CONFLICT')
    expect(repeat.text).toContain('was done')
    expect(errors).toMatchObject([{ code: 'ENCRYPTION_UNAVAILABLE' }])
    expect(await registry.count({ tenantId: 'acme' })).toBe(1)
  })

  it('tells a repeat to come back where the answer cannot be opened for now', async () => {
    const store = memoryIdempotency()
    const storage = memoryStorage()
    const one = buildApi({ storage, encryption, idempotency: store })
    const other = buildApi({ storage, encryption: keyring({ k2: Buffer.alloc(32, 8) }), idempotency: store })
    expect((await one.call('POST', '/webhooks', input(), keyed())).status).toBe(201)
    expect((await other.call('POST', '/webhooks', input(), keyed())).status).toBe(500)
    expect(other.errors).toMatchObject([{ code: 'ENCRYPTION_KEY_UNKNOWN' }])
  })

  it.each(['not json, with whsec_secret', '{"status":"201"}', 'null', '{"status":201,"headers":[["a"]],"body":""}'])(
    'quotes nothing of a damaged answer: %s',
    async (damaged) => {
      const intact = memoryIdempotency()
      const store = overridingStore({ complete: (held, keepMs) => intact.complete(held, keepMs, damaged) }, intact)
      const { call, errors } = buildApi({ idempotency: store })
      await call('POST', '/webhooks', input(), keyed())
      expectProblem(await call('POST', '/webhooks', input(), keyed()), 409, 'IDEMPOTENCY_CONFLICT')
      expect(errors).toMatchObject([{ code: 'SECRET_UNREADABLE' }])
      expect(String(errors[0])).not.toContain('whsec')
    },
  )

  it.each([{}, null, 'memory', { reserve: () => undefined }])('refuses %j for a store', (idempotency) => {
    // @ts-expect-error no store
    expect(() => buildApi({ idempotency })).toThrow(/idempotency must be a store/)
  })
})

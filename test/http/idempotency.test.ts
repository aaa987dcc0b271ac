import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../src/storage/memory/memory-storage.ts'
import { manualClock } from '../support/clock.ts'
import { overriding } from '../support/overriding.ts'
import { buildApi, expectProblem, input, missingId } from './api-fixture.ts'

const keyed = (key = 'k1', tenant = 'acme') => ({ 'idempotency-key': key, 'x-tenant': tenant })

describe('Idempotency-Key', () => {
  it('gives the answer of the first request again, secret and location included', async () => {
    const { call, registry } = buildApi()
    const first = await call('POST', '/webhooks', input(), keyed())
    const again = await call('POST', '/webhooks', input(), keyed())
    expect(again.status).toBe(201)
    expect(again.text).toBe(first.text)
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect([first, again].map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, 'true'])
    expect(await registry.count({ tenantId: 'acme' })).toBe(1)
  })

  it('makes one of requests that come at once', async () => {
    const { call, registry } = buildApi()
    const answers = await Promise.all(Array.from({ length: 10 }, () => call('POST', '/webhooks', input(), keyed())))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(await registry.count({ tenantId: 'acme' })).toBe(1)
  })

  it('belongs to one tenant, and to one request of it', async () => {
    const { call, registry } = buildApi()
    const { body } = await call('POST', '/webhooks', input(), keyed())
    const other = await call('POST', '/webhooks', input(), keyed('k1', 'other'))
    expect(other.body).toMatchObject({ tenantId: 'other' })
    expect(other.body.secret).not.toBe(body.secret)
    expectProblem(await call('POST', '/webhooks', input({ name: 'b' }), keyed()), 409, 'IDEMPOTENCY_CONFLICT')
    const rotation = await call('POST', `/webhooks/${body.id}/rotate-secret`, undefined, keyed())
    expectProblem(rotation, 409, 'IDEMPOTENCY_CONFLICT')
    expect(await registry.count({ tenantId: 'acme' })).toBe(1)
  })

  it('rotates once', async () => {
    const { call } = buildApi()
    const { id } = (await call('POST', '/webhooks', input())).body
    const path = `/webhooks/${id}/rotate-secret`
    const [first, again] = [await call('POST', path, {}, keyed()), await call('POST', path, {}, keyed())]
    expect(again.body.secret).toBe(first.body.secret)
    expect((await call('POST', path, {}, keyed('k2'))).body.secret).not.toBe(first.body.secret)
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
    const { call, registry } = buildApi({ storage })
    const answers = await Promise.all([1, 2, 3].map(() => call('POST', '/webhooks', input(), keyed())))
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([201, 201, 500])
    expect(await registry.count({ tenantId: 'acme' })).toBe(1)
    expectProblem(await call('POST', '/webhooks', {}, keyed('k3')), 422, 'VALIDATION_FAILED')
    expect((await call('POST', '/webhooks', input(), keyed('k3'))).status).toBe(201)
    expect((await call('POST', `/webhooks/${missingId}/test`, undefined, keyed('k4'))).status).toBe(404)
  })

  it('keeps no refusal either', async () => {
    const clock = manualClock()
    const { call } = buildApi({ clock: clock.now, limits: { creationsPerMinute: 1 } })
    await call('POST', '/webhooks', input())
    expectProblem(await call('POST', '/webhooks', input(), keyed()), 429, 'RATE_LIMITED')
    clock.advance(60_000)
    expect((await call('POST', '/webhooks', input(), keyed())).status).toBe(201)
  })

  it('is forgotten after 24 hours', async () => {
    const clock = manualClock()
    const { call } = buildApi({ clock: clock.now })
    const first = await call('POST', '/webhooks', input(), keyed())
    clock.advance(86_399_999)
    expect((await call('POST', '/webhooks', input(), keyed())).text).toBe(first.text)
    clock.advance(1)
    expect((await call('POST', '/webhooks', input(), keyed())).text).not.toBe(first.text)
  })

  it.each(['', 'x'.repeat(256), 'ü', 'a\tb'])('must be 1 to 255 printable characters, not %j', async (key) => {
    const { call } = buildApi()
    const problem = expectProblem(await call('POST', '/webhooks', input(), keyed(key)), 422, 'VALIDATION_FAILED')
    expect(problem.issues[0]?.path).toBe('idempotency-key')
  })

  it('changes nothing for other methods', async () => {
    const { call } = buildApi()
    const { id } = (await call('POST', '/webhooks', input())).body
    await call('PATCH', `/webhooks/${id}`, { name: 'a' }, keyed())
    expect((await call('PATCH', `/webhooks/${id}`, { name: 'b' }, keyed())).body.name).toBe('b')
  })
})

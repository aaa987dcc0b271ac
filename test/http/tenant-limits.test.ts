import { createWebhookApi } from 'posthorn/http'
import { EventDispatcher, memoryStorage, WebhookRegistry } from 'posthorn'
import { describe, expect, it } from 'vitest'
import { manualClock } from '../support/clock.ts'
import { buildApi, expectProblem, input, missingId } from './api-fixture.ts'

describe('the limits of a tenant', () => {
  it('let so many webhooks be, until one is deleted', async () => {
    const { call } = buildApi({ limits: { webhooks: 2 } })
    const { id } = (await call('POST', '/webhooks', input())).body
    await call('POST', '/webhooks', input({ isActive: false }))
    const full = await call('POST', '/webhooks', input())
    expect(expectProblem(full, 429, 'LIMIT_REACHED').detail).toContain('2 webhooks')
    expect(full.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    expect((await call('POST', '/webhooks', input(), { 'x-tenant': 'other' })).status).toBe(201)
    await call('DELETE', `/webhooks/${id}`)
    expect((await call('POST', '/webhooks', input())).status).toBe(201)
  })

  it('hold where requests come at once, and after one that fails', async () => {
    const { call } = buildApi({ limits: { webhooks: 5 } })
    const bodies = [{}, ...Array.from({ length: 20 }, () => input())]
    const answers = await Promise.all(bodies.map((body) => call('POST', '/webhooks', body)))
    const counts = [201, 422, 429].map((status) => answers.filter((answer) => answer.status === status).length)
    expect(counts).toEqual([5, 1, 15])
  })

  it('let so many creations be tried in a minute, good ones and bad ones', async () => {
    const clock = manualClock()
    const { call } = buildApi({ limits: { creationsPerMinute: 2 }, clock: clock.now })
    expect((await call('POST', '/webhooks', input())).status).toBe(201)
    expect((await call('POST', '/webhooks', {})).status).toBe(422)
    const refused = await call('POST', '/webhooks', input())
    expectProblem(refused, 429, 'RATE_LIMITED')
    expect(refused.headers.get('retry-after')).toBe('30')
    expect((await call('POST', '/webhooks', input(), { 'x-tenant': 'other' })).status).toBe(201)
    expect((await call('GET', '/webhooks')).status).toBe(200)
    clock.advance(29_000)
    expect((await call('POST', '/webhooks', input())).headers.get('retry-after')).toBe('1')
    clock.advance(1_000)
    expect((await call('POST', '/webhooks', input())).status).toBe(201)
    expect((await call('POST', '/webhooks', input())).status).toBe(429)
    clock.advance(3_600_000)
    const statuses = []
    for (let n = 0; n < 3; n++) statuses.push((await call('POST', '/webhooks', input())).status)
    expect(statuses).toEqual([201, 201, 429])
  })

  it('let so many tests be made in a minute', async () => {
    const { call } = buildApi({ limits: { testsPerMinute: 1 } })
    const path = `/webhooks/${missingId}/test`
    expect((await call('POST', path)).status).toBe(404)
    const refused = await call('POST', path)
    expectProblem(refused, 429, 'RATE_LIMITED')
    expect(refused.headers.get('retry-after')).toBe('60')
  })

  it('let so many deliveries be sent again in a minute', async () => {
    const { call } = buildApi({ limits: { resendsPerMinute: 1 } })
    const path = `/deliveries/${missingId}/resend`
    expect((await call('POST', path)).status).toBe(404)
    expectProblem(await call('POST', path), 429, 'RATE_LIMITED')
  })

  it('let a webhook have so much in flight, 10 unless said otherwise', async () => {
    const { call } = buildApi()
    const { id } = (await call('POST', '/webhooks', input({ maxInFlight: 10 }))).body
    for (const [method, path, body] of [
      ['POST', '/webhooks', input({ maxInFlight: 11 })],
      ['PUT', `/webhooks/${id}`, input({ maxInFlight: 11 })],
      ['PATCH', `/webhooks/${id}`, { maxInFlight: 11 }],
    ] as const) {
      const problem = expectProblem(await call(method, path, body), 422, 'VALIDATION_FAILED')
      expect(problem.issues).toEqual([{ path: 'maxInFlight', message: 'must be at most 10' }])
    }
    expect((await call('PATCH', `/webhooks/${id}`, { maxInFlight: 3 })).body.maxInFlight).toBe(3)
    expect((await call('PATCH', `/webhooks/${id}`, { name: 'other' })).body.maxInFlight).toBe(3)
  })

  it('let a webhook have less in flight than it would be given, or as much as there is', async () => {
    const few = buildApi({ limits: { maxInFlight: 2 } })
    const { id, maxInFlight } = (await few.call('POST', '/webhooks', input())).body
    expect(maxInFlight).toBe(2)
    expect((await few.call('PUT', `/webhooks/${id}`, input())).body.maxInFlight).toBe(2)
    const many = buildApi({ limits: { maxInFlight: Infinity } })
    expect((await many.call('POST', '/webhooks', input({ maxInFlight: 1000 }))).status).toBe(201)
    expect((await many.call('POST', '/webhooks', input({ maxInFlight: 1001 }))).status).toBe(422)
  })

  it('let so many requests with an idempotency key be made in a minute', async () => {
    const { call } = buildApi({ limits: { keyedPerMinute: 1 } })
    const { id } = (await call('POST', '/webhooks', input(), { 'idempotency-key': 'k1' })).body
    const path = `/webhooks/${id}/rotate-secret`
    expectProblem(await call('POST', path, undefined, { 'idempotency-key': 'k2' }), 429, 'RATE_LIMITED')
    expect((await call('POST', path)).status).toBe(200)
    const foreign = { 'idempotency-key': 'k2', 'x-tenant': 'other' }
    expect((await call('POST', '/webhooks', input(), foreign)).status).toBe(201)
  })

  it('hold unless lifted', async () => {
    const clock = manualClock()
    const many = async (limits: object | undefined, count: number) => {
      const { call } = buildApi({ ...(limits !== undefined && { limits }), clock: clock.now })
      const statuses = []
      for (let n = 0; n < count; n++) statuses.push((await call('POST', '/webhooks', input())).status)
      return statuses.filter((status) => status === 201).length
    }
    expect(await many(undefined, 65)).toBe(60)
    expect(await many({ creationsPerMinute: Infinity }, 105)).toBe(100)
    expect(await many({ creationsPerMinute: Infinity, webhooks: Infinity }, 105)).toBe(105)
  })

  it('are not filled by a clock that is set back', async () => {
    const clock = manualClock()
    const { call } = buildApi({ limits: { creationsPerMinute: 1 }, clock: clock.now })
    await call('POST', '/webhooks', input())
    clock.advance(-3_600_000)
    expect((await call('POST', '/webhooks', input())).status).toBe(429)
    clock.advance(60_000)
    expect((await call('POST', '/webhooks', input())).status).toBe(201)
  })

  it.each<[string, unknown]>([
    ['a misspelt member', { webhook: 5 }],
    ['a negative number', { webhooks: -1 }],
    ['a fraction', { creationsPerMinute: 1.5 }],
    ['text', { testsPerMinute: '5' }],
    ['NaN', { webhooks: Number.NaN }],
    ['no delivery in flight', { maxInFlight: 0 }],
    ['no object', 5],
    ['null', null],
  ])('refuse %s', (_, limits) => {
    const registry = new WebhookRegistry({ storage: memoryStorage() })
    const dispatcher = new EventDispatcher({ registry })
    const make = () => createWebhookApi({ registry, dispatcher, authorize: 'none', limits: limits as never })
    expect(make).toThrow(/limits/)
  })
})

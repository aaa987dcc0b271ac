import { describe, expect, it } from 'vitest'
import { buildApi, catalogue, expectProblem, expectSafeHeaders, input, missingId, read } from './api-fixture.ts'
import { serve } from './servers.ts'

const secretForm = /^whsec_[A-Za-z0-9+/]+=*$/

async function withWebhook(fields: Record<string, unknown> = {}) {
  const fixture = buildApi()
  const created = await fixture.call('POST', '/webhooks', input(fields))
  expect(created.status, created.text).toBe(201)
  return { ...fixture, created, id: created.body.id, path: `/webhooks/${created.body.id}` }
}

/** A webhook of a receiver that answers with `status`, and one finished delivery to it. */
async function withDelivery(status = 204) {
  const origin = await serve((req, res) => {
    req.resume().on('end', () => res.writeHead(status).end('received'))
  })
  const fixture = await withWebhook({ url: `${origin}/hook?token=hidden` })
  const tested = await fixture.call('POST', `${fixture.path}/test`)
  return { ...fixture, tested, deliveryPath: `/deliveries/${tested.body.deliveryId}` }
}

describe('POST /webhooks', () => {
  it('answers 201 with the webhook, its secret and its location', async () => {
    const { created, id } = await withWebhook({ metadata: { team: 'core' }, description: 'builds' })
    expect(created.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(created.headers.get('location')).toBe(`/webhooks/${id}`)
    expectSafeHeaders(created)
    expect(created.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      tenantId: 'acme',
      name: 'ci',
      url: 'https://example.com/hook',
      events: ['execution.completed'],
      isActive: true,
      disabledReason: null,
      description: 'builds',
      metadata: { team: 'core' },
      headers: {},
      maxInFlight: 10,
      createdBy: 'ann',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: created.body.createdAt,
      secret: expect.stringMatching(secretForm),
    })
  })

  it('puts the base path into the location', async () => {
    const { call } = buildApi({ basePath: '/api/v1/' })
    const created = await call('POST', '/api/v1/webhooks', input())
    expect(created.headers.get('location')).toBe(`/api/v1/webhooks/${created.body.id}`)
    expect((await call('GET', created.headers.get('location') ?? '')).status).toBe(200)
  })

  it('answers 422 with every issue and its path', async () => {
    const { call } = buildApi()
    const answer = await call('POST', '/webhooks', {
      name: '',
      url: 'ftp://example.com',
      events: ['execution.completed', 'no such'],
      extra: 1,
    })
    const problem = expectProblem(answer, 422, 'VALIDATION_FAILED')
    expect(problem.issues.map((issue) => issue.path).toSorted()).toEqual(['events[1]', 'extra', 'name', 'url'])
  })

  it.each([[[]], ['"text"'], ['null'], ['7']])('answers 422 to %j in place of an object', async (body) => {
    const { call } = buildApi()
    expectProblem(await call('POST', '/webhooks', body), 422, 'VALIDATION_FAILED')
  })

  it.each(['id', 'tenantId', 'createdBy', 'createdAt', 'disabledReason', 'sealed', 'version', 'constructor'])(
    'does not let the body set %s',
    async (field) => {
      const { call } = buildApi()
      const answer = await call('POST', '/webhooks', input({ [field]: 'other' }))
      expect(expectProblem(answer, 422, 'VALIDATION_FAILED').issues).toEqual([
        { path: field, message: expect.any(String) },
      ])
    },
  )
})

describe('GET /webhooks', () => {
  it('lists in pages, newest first, without secrets', async () => {
    const { call } = buildApi()
    for (const name of ['a', 'b', 'c']) await call('POST', '/webhooks', input({ name }))
    const first = await call('GET', '/webhooks?limit=2')
    expect(first.status).toBe(200)
    expect(first.body.data.map((webhook) => webhook.name)).toEqual(['c', 'b'])
    const second = await call('GET', `/webhooks?limit=2&cursor=${encodeURIComponent(first.body.nextCursor)}`)
    expect(second.body.data.map((webhook) => webhook.name)).toEqual(['a'])
    expect(second.body.nextCursor).toBeNull()
    expect(first.text + second.text).not.toContain('whsec_')
  })

  it('filters by isActive', async () => {
    const { call } = buildApi()
    await call('POST', '/webhooks', input({ name: 'on' }))
    await call('POST', '/webhooks', input({ name: 'off', isActive: false }))
    const names = async (value: string) =>
      (await call('GET', `/webhooks?isActive=${value}`)).body.data.map((webhook) => webhook.name)
    expect(await names('true')).toEqual(['on'])
    expect(await names('false')).toEqual(['off'])
  })

  it('answers 422 that names every wrong, unknown and repeated parameter', async () => {
    const { call } = buildApi()
    const answer = await call('GET', '/webhooks?limit=0&isActive=yes&cursor=&offset=1&constructor=1&__proto__=1')
    const problem = expectProblem(answer, 422, 'VALIDATION_FAILED')
    expect(problem.issues.map((issue) => issue.path).toSorted()).toEqual([
      '__proto__',
      'constructor',
      'cursor',
      'isActive',
      'limit',
      'offset',
    ])
    const repeated = expectProblem(await call('GET', '/webhooks?limit=1&limit=2'), 422, 'VALIDATION_FAILED')
    expect(repeated.issues).toEqual([{ path: 'limit', message: 'is given more than once' }])
  })

  it.each(['', '101', '-1', '1.5', '1e1', '0x10', ' 1', '９', '99999999999999999999'])(
    'answers 422 to the limit %j',
    async (limit) => {
      const { call } = buildApi()
      const answer = await call('GET', `/webhooks?limit=${encodeURIComponent(limit)}`)
      expect(expectProblem(answer, 422, 'VALIDATION_FAILED').issues[0]?.path).toBe('limit')
    },
  )

  it('answers 422 to a cursor that it did not give out', async () => {
    const { call } = buildApi()
    const problem = expectProblem(await call('GET', '/webhooks?cursor=%00nonsense'), 422, 'CURSOR_INVALID')
    expect(problem.issues[0]?.path).toBe('cursor')
  })
})

describe('GET /webhooks/{id}', () => {
  it('answers 200 without the secret', async () => {
    const { call, path, created } = await withWebhook()
    const answer = await call('GET', path)
    expect(answer.status).toBe(200)
    const { secret: _secret, ...webhook } = created.body
    expect(answer.body).toEqual(webhook)
  })
})

describe('PUT /webhooks/{id}', () => {
  it('sets every field and returns what is left out to its default', async () => {
    const { call, path } = await withWebhook({ description: 'builds', isActive: false, maxInFlight: 3 })
    const answer = await call('PUT', path, input({ name: 'new' }))
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({
      name: 'new',
      description: null,
      isActive: true,
      maxInFlight: 10,
      createdBy: 'ann',
    })
    expect(answer.text).not.toContain('whsec_')
  })

  it('answers 422 to a partial body, and to a secret', async () => {
    const { call, path } = await withWebhook()
    const partial = expectProblem(await call('PUT', path, { name: 'new' }), 422, 'VALIDATION_FAILED')
    expect(partial.issues.map((issue) => issue.path).toSorted()).toEqual(['events', 'url'])
    const withSecret = await call('PUT', path, input({ secret: `whsec_${'A'.repeat(32)}` }))
    expect(expectProblem(withSecret, 422, 'VALIDATION_FAILED').issues[0]?.path).toBe('secret')
    expect(withSecret.text).not.toContain('whsec_A')
  })
})

describe('PATCH /webhooks/{id}', () => {
  it('sets the fields given and no others', async () => {
    const { call, path } = await withWebhook({ description: 'builds' })
    const answer = await call('PATCH', path, { isActive: false })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ name: 'ci', description: 'builds', isActive: false, disabledReason: 'manual' })
  })

  it('answers 422 to unknown fields and leaves the webhook as it was', async () => {
    const { call, path, created } = await withWebhook()
    expectProblem(await call('PATCH', path, { name: 'new', tenantId: 'other' }), 422, 'VALIDATION_FAILED')
    expect((await call('GET', path)).body).toMatchObject({ name: 'ci', updatedAt: created.body.updatedAt })
  })
})

describe('DELETE /webhooks/{id}', () => {
  it('answers 204 once and 404 from then on', async () => {
    const { call, path } = await withWebhook()
    const answer = await call('DELETE', path)
    expect(answer.status).toBe(204)
    expect(answer.text).toBe('')
    expectSafeHeaders(answer)
    expectProblem(await call('DELETE', path), 404, 'NOT_FOUND')
    expectProblem(await call('GET', path), 404, 'NOT_FOUND')
  })
})

describe('POST /webhooks/{id}/test', () => {
  it.each([
    [204, 'succeeded'],
    [500, 'failed'],
  ])('answers 200 with the outcome where the receiver answers %i', async (status, state) => {
    const { tested } = await withDelivery(status)
    expect(tested.status, tested.text).toBe(200)
    expect(tested.body).toMatchObject({
      eventId: expect.any(String),
      deliveryId: expect.any(String),
      state,
      attempt: { number: 1, status, error: null },
    })
  })

  it('answers 200 with the outcome where nobody listens', async () => {
    const { call, path } = await withWebhook({ url: 'http://127.0.0.1:1/hook' })
    const answer = await call('POST', `${path}/test`, {})
    expect(answer.status, answer.text).toBe(200)
    expect(answer.body.attempt).toMatchObject({ status: null, error: expect.any(String) })
  })

  it('stops to wait for the receiver when the request is given up', async () => {
    const controller = new AbortController()
    const origin = await serve(() => controller.abort())
    const { api, path, errors } = await withWebhook({ url: origin })
    const request = new Request(`http://localhost${path}/test`, { method: 'POST', signal: controller.signal })
    expectProblem(await read(await api(request)), 400, 'REQUEST_ABORTED')
    expect(errors).toEqual([])
  })

  it('answers 409 where the webhook is disabled', async () => {
    const { call, path } = await withWebhook({ isActive: false })
    expectProblem(await call('POST', `${path}/test`), 409, 'WEBHOOK_DISABLED')
  })
})

describe('POST /webhooks/{id}/rotate-secret', () => {
  it('answers 200 with a new secret, with and without a body', async () => {
    const { call, path, created } = await withWebhook()
    const first = await call('POST', `${path}/rotate-secret`)
    const second = await call('POST', `${path}/rotate-secret`, { overlapMs: 0 })
    expect([first.status, second.status]).toEqual([200, 200])
    expect(first.body.secret).toMatch(secretForm)
    expect(new Set([created.body.secret, first.body.secret, second.body.secret]).size).toBe(3)
  })

  it('takes the secret that is given', async () => {
    const { call, path, registry, id } = await withWebhook()
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
    const answer = await call('POST', `${path}/rotate-secret`, { secret })
    expect(answer.body.secret).toBe(secret)
    expect(await registry.revealSecret(id, { tenantId: 'acme' })).toBe(secret)
  })

  it.each([
    [{ overlapMs: -1 }, ['overlapMs'], 'VALIDATION_FAILED'],
    [{ overlapMs: '1' }, ['overlapMs'], 'VALIDATION_FAILED'],
    [{ secret: 'short' }, ['secret'], 'SECRET_INVALID'],
    [{ secret: 7, overlapMs: null, tenantId: 'other' }, ['secret', 'overlapMs', 'tenantId'], 'VALIDATION_FAILED'],
    [[], [''], 'VALIDATION_FAILED'],
    ['null', [''], 'VALIDATION_FAILED'],
  ] as const)('answers 422 to %j', async (body, paths, code) => {
    const { call, path } = await withWebhook()
    const problem = expectProblem(await call('POST', `${path}/rotate-secret`, body), 422, code)
    expect(problem.issues.map((issue) => issue.path)).toEqual(paths)
  })

  it('answers 409 to a secret that the webhook has already', async () => {
    const { call, path, created } = await withWebhook()
    const answer = await call('POST', `${path}/rotate-secret`, { secret: created.body.secret })
    expectProblem(answer, 409, 'CONFLICT')
    expect(answer.text).not.toContain(created.body.secret)
  })
})

describe('GET /webhooks/{id}/deliveries', () => {
  it('lists the deliveries of that webhook, by state and type', async () => {
    const { call, path, tested } = await withDelivery()
    const list = async (query: string) => await call('GET', `${path}/deliveries${query}`)
    const all = await list('')
    expect(all.status).toBe(200)
    expect(all.body).toMatchObject({
      data: [{ id: tested.body.deliveryId, type: 'webhook.test', state: 'succeeded' }],
      nextCursor: null,
    })
    expect((await list('?state=succeeded&type=webhook.test&limit=1')).body.data).toHaveLength(1)
    expect((await list('?state=failed')).body.data).toEqual([])
    expect((await list('?type=execution.completed')).body.data).toEqual([])
  })

  it('answers 422 to wrong parameters', async () => {
    const { call, path } = await withWebhook()
    const answer = await call('GET', `${path}/deliveries?state=done&type=a..b&limit=x`)
    const problem = expectProblem(answer, 422, 'VALIDATION_FAILED')
    expect(problem.issues.map((issue) => issue.path)).toEqual(['state', 'type', 'limit'])
    expectProblem(await call('GET', `${path}/deliveries?cursor=nonsense`), 422, 'CURSOR_INVALID')
  })

  it('answers 404 where the webhook is missing', async () => {
    const { call } = buildApi()
    expectProblem(await call('GET', `/webhooks/${missingId}/deliveries`), 404, 'NOT_FOUND')
    expectProblem(await call('GET', `/webhooks/${missingId}/deliveries?state=failed`), 404, 'NOT_FOUND')
  })

  // They could be read one by one, but no longer be found.
  it('lists the deliveries of a deleted webhook, to its tenant only', async () => {
    const { call, path, tested } = await withDelivery()
    await call('DELETE', path)
    const answer = await call('GET', `${path}/deliveries`)
    expect(answer.status, answer.text).toBe(200)
    expect(answer.body.data.map((delivery) => delivery.id)).toEqual([tested.body.deliveryId])
    expect((await call('GET', `${path}/deliveries?state=failed`)).body.data).toEqual([])
    const foreign = await call('GET', `${path}/deliveries`, undefined, { 'x-tenant': 'other' })
    expectProblem(foreign, 404, 'NOT_FOUND')
  })

  it('answers 404 where a deleted webhook left no delivery', async () => {
    const { call, path } = await withWebhook()
    expect((await call('GET', `${path}/deliveries`)).body.data).toEqual([])
    await call('DELETE', path)
    expectProblem(await call('GET', `${path}/deliveries`), 404, 'NOT_FOUND')
  })
})

describe('GET /deliveries/{id}', () => {
  it('answers 200 with the attempts, without the URL and the secret', async () => {
    const { call, deliveryPath, id, created } = await withDelivery(500)
    const answer = await call('GET', deliveryPath)
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({
      webhookId: id,
      state: 'failed',
      attemptCount: 1,
      attempts: [{ number: 1, status: 500, responseBody: 'received', startedAt: expect.stringMatching(/Z$/) }],
    })
    expect(answer.text).not.toContain('hidden')
    expect(answer.text).not.toContain(created.body.secret)
  })
})

describe('POST /deliveries/{id}/resend', () => {
  it('answers 202 with the delivery, pending again, and 409 while it is pending', async () => {
    const { call, deliveryPath, tested } = await withDelivery()
    const answer = await call('POST', `${deliveryPath}/resend`)
    expect(answer.status, answer.text).toBe(202)
    expect(answer.body).toMatchObject({ id: tested.body.deliveryId, state: 'pending' })
    expectProblem(await call('POST', `${deliveryPath}/resend`), 409, 'CONFLICT')
  })

  it('answers 409 where the webhook is disabled', async () => {
    const { call, deliveryPath, path } = await withDelivery()
    await call('PATCH', path, { isActive: false })
    expectProblem(await call('POST', `${deliveryPath}/resend`), 409, 'WEBHOOK_DISABLED')
  })

  it('answers 410 where retention has removed the body', async () => {
    const { call, deliveryPath, storage } = await withDelivery()
    await storage.purge({ bodiesOlderThanMs: 0, limit: 100 })
    expectProblem(await call('POST', `${deliveryPath}/resend`), 410, 'PAYLOAD_GONE')
  })
})

describe('GET /event-types', () => {
  it('lists the catalogue, and nothing where there is none', async () => {
    const answer = await buildApi().call('GET', '/event-types')
    expect(answer.body).toEqual({ data: catalogue.types.map((type) => ({ type })) })
    expect((await buildApi({ events: null }).call('GET', '/event-types')).body).toEqual({ data: [] })
  })
})

import { createWebhookApi } from 'posthorn/http'
import { describe, expect, it, vi } from 'vitest'
import { PosthornError } from '../../src/domain/error.ts'
import { allowedMethods, routes as routeTable } from '../../src/http/routes.ts'
import { memoryStorage } from '../../src/storage/memory/memory-storage.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { buildApi, expectProblem, expectSafeHeaders, input, missingId, read } from './api-fixture.ts'

const allowed: readonly (readonly [string, string])[] = [
  ['/webhooks', 'GET, HEAD, POST, OPTIONS'],
  [`/webhooks/${missingId}`, 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS'],
  [`/webhooks/${missingId}/test`, 'POST, OPTIONS'],
  [`/webhooks/${missingId}/rotate-secret`, 'POST, OPTIONS'],
  [`/webhooks/${missingId}/deliveries`, 'GET, HEAD, OPTIONS'],
  [`/deliveries/${missingId}`, 'GET, HEAD, OPTIONS'],
  [`/deliveries/${missingId}/resend`, 'POST, OPTIONS'],
  ['/event-types', 'GET, HEAD, OPTIONS'],
]
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
const routes = allowed.flatMap(([path, allow]) =>
  allow
    .split(', ')
    .filter((method) => method !== 'OPTIONS')
    .map((method) => [method, path] as const),
)
const routesWithId = routes.filter(([, path]) => path.includes(missingId))

/** Memory storage that fails in one method. */
function failing(method: keyof Storage, error: unknown): Storage {
  const storage = memoryStorage()
  return new Proxy(storage, {
    get(target, name) {
      if (name === method) return () => Promise.reject(error)
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

describe('createWebhookApi', () => {
  it('has the routes that these tests look at, and no others', () => {
    const known = new Map(allowed)
    const found = new Map(
      routeTable.map((route) => [route.segments.join('/').replace('{id}', missingId), allowedMethods(route)]),
    )
    expect(found).toEqual(known)
  })

  it.each(allowed)('answers OPTIONS %s with 204 and Allow: %s', async (path, allow) => {
    const answer = await buildApi().call('OPTIONS', path)
    expect(answer.status).toBe(204)
    expect(answer.headers.get('allow')).toBe(allow)
    expectSafeHeaders(answer)
  })

  it.each(allowed)('answers 405 with Allow to every other method of %s', async (path, allow) => {
    const { call } = buildApi()
    const others = [...methods, 'QUERY', 'constructor', 'toString', '__proto__'].filter(
      (method) => !allow.split(', ').includes(method),
    )
    for (const method of others) {
      const answer = await call(method, path)
      expect(answer.status, method).toBe(405)
      expect(answer.headers.get('allow')).toBe(allow)
      if (method !== 'HEAD') expectProblem(answer, 405, 'METHOD_NOT_ALLOWED')
    }
  })

  it.each([
    '/',
    '/webhook',
    '/webhooks/',
    '/WEBHOOKS',
    '/webhooks//test',
    `/webhooks/${missingId}/`,
    `/webhooks/${missingId}/test/x`,
    '//webhooks',
    '/web%68ooks',
    '/deliveries',
    '/constructor',
    '/__proto__',
  ])('answers 404 to the unknown path %s', async (path) => {
    expectProblem(await buildApi().call('GET', path), 404, 'NOT_FOUND')
  })

  it.each(['/webhooks', '/api/v1webhooks', '/api/v12/webhooks', '/API/v1/webhooks', '/api/v1', '/x/../webhooks'])(
    'answers 404 to %s under the base path /api/v1',
    async (path) => {
      expectProblem(await buildApi({ basePath: '/api/v1' }).call('GET', path), 404, 'NOT_FOUND')
    },
  )

  it('answers HEAD as GET without a body', async () => {
    const { call } = buildApi()
    const created = await call('POST', '/webhooks', input())
    const path = `/webhooks/${created.body.id}`
    const [get, head] = [await call('GET', path), await call('HEAD', path)]
    expect(head.status).toBe(200)
    expect(head.text).toBe('')
    expect([...head.headers]).toEqual([...get.headers])
    expect((await call('HEAD', `/webhooks/${missingId}`)).status).toBe(404)
  })

  it.each(routes)('answers 401 to %s %s where the caller is not known', async (method, path) => {
    const answer = await buildApi().call(method, path, undefined, { 'x-tenant': 'nobody' })
    expect(answer.status).toBe(401)
    if (method !== 'HEAD') expectProblem(answer, 401, 'UNAUTHENTICATED')
  })

  it.each(routes)('answers 422 to an unknown parameter of %s %s', async (method, path) => {
    const body = ['POST', 'PUT', 'PATCH'].includes(method) ? {} : undefined
    const answer = await buildApi().call(method, `${path}?surprise=1`, body)
    expect(answer.status).toBe(422)
    expect(answer.text).toMatch(method === 'HEAD' ? /^$/ : /"path":"surprise"/)
  })

  it.each(routesWithId)(
    'answers %s %s the same to a malformed, a missing and a foreign id',
    async (method, template) => {
      const { call, dispatcher, storage } = buildApi()
      const created = await call('POST', '/webhooks', input({ events: ['*'] }), { 'x-tenant': 'other' })
      const dispatched = await dispatcher.dispatch('execution.completed', {}, { tenantId: 'other' })
      const [delivery] = (await dispatcher.listDeliveries({ tenantId: 'other', eventId: dispatched.eventId })).data
      const foreignId = template.startsWith('/webhooks') ? created.body.id : String(delivery?.id)
      const body = ['PUT', 'PATCH'].includes(method) ? input({ name: 'taken over' }) : undefined
      const answers = []
      for (const id of [missingId, foreignId, '7', foreignId.toUpperCase(), '%', '%00', '..%2f', `${foreignId} `]) {
        answers.push(await call(method, template.replace(missingId, id), body))
      }
      for (const answer of answers) {
        expect(answer.status).toBe(404)
        expect(answer.text).toBe(answers[0]?.text)
        expect([...answer.headers]).toEqual([...(answers[0]?.headers ?? [])])
      }
      const webhook = await storage.getWebhook(created.body.id, 'other')
      expect(webhook).toMatchObject({ name: 'ci', version: 1 })
      expect((await dispatcher.getDelivery(String(delivery?.id), { tenantId: 'other' })).attempts).toEqual([])
    },
  )

  it('lists only what is the tenant’s own', async () => {
    const { call } = buildApi()
    await call('POST', '/webhooks', input(), { 'x-tenant': 'other' })
    expect((await call('GET', '/webhooks')).body.data).toEqual([])
    expect((await call('GET', '/webhooks', undefined, { 'x-tenant': 'other' })).body.data).toHaveLength(1)
  })

  it("serves everybody as the tenant default where authorize is 'none'", async () => {
    const { call, registry } = buildApi({ authorize: 'none' })
    const created = await call('POST', '/webhooks', input(), { 'x-tenant': 'other' })
    expect(created.body).toMatchObject({ tenantId: 'default', createdBy: null })
    expect((await registry.list()).data).toHaveLength(1)
  })

  it('answers with the Response of authorize as it is', async () => {
    const { call } = buildApi({ authorize: () => new Response('ask for access', { status: 403 }) })
    const answer = await call('GET', '/webhooks')
    expect([answer.status, answer.text]).toEqual([403, 'ask for access'])
  })

  // From the second request on, its body was used up.
  it('answers with one Response of authorize as often as it is given', async () => {
    const headers = { 'www-authenticate': 'Bearer' }
    const kept = new Response('ask for access', { status: 401, statusText: 'Ask', headers })
    const empty = new Response(null, { status: 403 })
    const { api, call } = buildApi({ authorize: (request) => (request.url.endsWith('webhooks') ? kept : empty) })
    const simultaneous = await Promise.all([
      call('GET', '/webhooks'),
      call('GET', '/webhooks'),
      call('HEAD', '/webhooks'),
    ])
    for (const answer of [...simultaneous, await call('GET', '/webhooks')]) {
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      expect(answer.headers.get('content-type')).toContain('text/plain')
    }
    expect(simultaneous.map((answer) => answer.text)).toEqual(['ask for access', 'ask for access', ''])
    expect((await api(new Request('http://localhost/webhooks'))).statusText).toBe('Ask')
    for (let time = 0; time < 2; time++) expect((await call('GET', '/event-types')).status).toBe(403)
  })

  it('answers 500 and reports it where the Response of authorize is used up', async () => {
    const used = new Response('no', { status: 403 })
    await used.text()
    const { call, errors } = buildApi({ authorize: () => used })
    for (let time = 0; time < 2; time++) expectProblem(await call('GET', '/webhooks'), 500, 'INTERNAL_ERROR')
    expect(errors).toHaveLength(2)
  })

  const changes = routes.filter(([method]) => !['GET', 'HEAD'].includes(method))

  it.each(changes)('answers 403 to %s %s of another site, before it asks authorize', async (method, path) => {
    let isAsked = false
    const authorize = () => {
      isAsked = true
      return null
    }
    const { call } = buildApi({ authorize })
    expectProblem(await call(method, path, undefined, { 'sec-fetch-site': 'cross-site' }), 403, 'CROSS_SITE_REQUEST')
    expect(isAsked).toBe(false)
  })

  it('changes nothing for a page of another site, and lets it read', async () => {
    const { call, registry } = buildApi({ authorize: 'none' })
    const created = await call('POST', '/webhooks', input(), { 'sec-fetch-site': 'same-origin' })
    const crossSite = { 'sec-fetch-site': 'cross-site' }
    const path = `/webhooks/${created.body.id}`
    expectProblem(await call('POST', `${path}/rotate-secret`, undefined, crossSite), 403, 'CROSS_SITE_REQUEST')
    expect(await registry.revealSecret(created.body.id)).toBe(created.body.secret)
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      expect((await call(method, path, undefined, crossSite)).status).toBeLessThan(300)
    }
  })

  it.each(['same-origin', 'same-site', 'none'])('takes changes of Sec-Fetch-Site: %s', async (site) => {
    const { call } = buildApi()
    expect((await call('POST', '/webhooks', input(), { 'sec-fetch-site': site })).status).toBe(201)
  })

  it('authorizes before it reads the body', async () => {
    let isReadFirst = false
    const { api } = buildApi({
      authorize: (request) => {
        isReadFirst = request.bodyUsed
        return null
      },
    })
    const request = new Request('http://localhost/webhooks', { method: 'POST', body: '{' })
    expect((await api(request)).status).toBe(401)
    expect([isReadFirst, request.bodyUsed]).toEqual([false, false])
  })

  it.each([
    ['throws', () => Promise.reject(new PosthornError('NOT_FOUND', 'user 7'))],
    ['names no tenant', () => ({ tenantId: undefined as unknown as string })],
    ['names an empty tenant', () => ({ tenantId: '' })],
    ['names a tenant that is too long', () => ({ tenantId: 'a'.repeat(129) })],
    ['names a tenant with NUL', () => ({ tenantId: 'a\0' })],
    ['names a tenant with a lone surrogate', () => ({ tenantId: 'a\ud800' })],
    ['names a creator with NUL', () => ({ tenantId: 'acme', createdBy: '\0' })],
    ['names a creator with a lone surrogate', () => ({ tenantId: 'acme', createdBy: '\udc00a' })],
    ['answers true', () => true as never],
    ['names a creator that is not text', () => ({ tenantId: 'acme', createdBy: 7 as unknown as string })],
  ])('answers 500 and reports it where authorize %s', async (_, authorize) => {
    const { call, errors } = buildApi({ authorize })
    const answer = await call('GET', '/webhooks')
    expectProblem(answer, 500, 'INTERNAL_ERROR')
    expect(answer.text).not.toContain('user 7')
    expect(errors).toHaveLength(1)
  })

  it('answers 500 without a word of an unknown error, and reports it', async () => {
    const error = new Error('SELECT whsec_hidden FROM webhooks')
    const { call, errors } = buildApi({ storage: failing('getWebhook', error) })
    const answer = await call('GET', `/webhooks/${missingId}`)
    expectProblem(answer, 500, 'INTERNAL_ERROR')
    expect(answer.text).not.toMatch(/SELECT|hidden|at /)
    expect(errors).toEqual([error])
  })

  it('answers 503 where the storage is not available, and reports it', async () => {
    const error = new PosthornError('STORAGE_UNAVAILABLE', 'Cannot reach db.internal.')
    const { call, errors } = buildApi({ storage: failing('getWebhook', error) })
    const answer = await call('GET', `/webhooks/${missingId}`)
    expectProblem(answer, 503, 'STORAGE_UNAVAILABLE')
    expect(answer.text).not.toContain('internal')
    expect(errors).toEqual([error])
  })

  it('answers all the same where onError throws, rejects or never ends', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const storage = failing('getWebhook', new Error('broken'))
    const reporters = [
      () => {
        throw new Error('reporter')
      },
      () => Promise.reject(new Error('reporter')),
      () => new Promise<void>(() => {}),
    ]
    for (const onError of reporters) {
      const { call } = buildApi({ storage, onError })
      expectProblem(await call('GET', `/webhooks/${missingId}`), 500, 'INTERNAL_ERROR')
    }
    expect(print).toHaveBeenCalledTimes(2)
    print.mockRestore()
  })

  it('prints what it cannot report', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { registry, dispatcher } = buildApi({ storage: failing('getWebhook', new Error('broken')) })
    const api = createWebhookApi({ registry, dispatcher, authorize: 'none' })
    const answer = await read(await api(new Request(`http://localhost/webhooks/${missingId}`)))
    expectProblem(answer, 500, 'INTERNAL_ERROR')
    expect(print).toHaveBeenCalledWith(expect.any(String), new Error('broken'))
    print.mockRestore()
  })

  it('answers 400 to a request that was given up, and reports nothing', async () => {
    const { api, call, errors } = buildApi({ storage: failing('getWebhook', new DOMException('gone', 'AbortError')) })
    const request = new Request(`http://localhost/webhooks/${missingId}`, { signal: AbortSignal.abort() })
    expectProblem(await read(await api(request)), 400, 'REQUEST_ABORTED')
    expect(errors).toEqual([])
    expectProblem(await call('GET', `/webhooks/${missingId}`), 500, 'INTERNAL_ERROR')
  })

  it('rejects what is not a Request, and names toNodeListener', async () => {
    const { api } = buildApi()
    const notRequests = [undefined, null, 7, { url: '/webhooks', headers: {}, method: 'GET' }]
    for (const request of notRequests) await expect(api(request as never)).rejects.toThrow(/toNodeListener/)
  })
})

describe('createWebhookApi options', () => {
  const { registry, dispatcher } = { registry: {}, dispatcher: {} }
  const right = () => {
    const fixture = buildApi()
    return { registry: fixture.registry, dispatcher: fixture.dispatcher, authorize: 'none' as const }
  }
  const build = (options: Record<string, unknown>) => () => createWebhookApi({ ...right(), ...options })

  it.each([undefined, null, true, 'all', {}])('refuses the authorize %j and says what to write', (authorize) => {
    expect(build({ authorize })).toThrow(TypeError)
    expect(build({ authorize })).toThrow(/authorize: 'none'.*"default"/)
  })

  it.each([
    [{ registry }, /registry/],
    [{ registry: undefined }, /registry/],
    [{ dispatcher }, /dispatcher/],
    [{ onError: 'print' }, /onError/],
    [{ basePath: 7 }, /basePath/],
    [{ authorise: 'none' }, /no option "authorise"/],
  ])('refuses %j with a TypeError that names it', (options, message) => {
    expect(build(options)).toThrow(TypeError)
    expect(build(options)).toThrow(message)
  })

  it.each(['api', '//api', '/api//v1', '/api/../v1', '/api/./v1', '/api?x', '/api#x', '/a b', '/é', '//', '/\\api'])(
    'refuses the basePath %j',
    (basePath) => {
      expect(build({ basePath })).toThrow(RangeError)
    },
  )

  it.each(['', '/', '/api', '/api/', '/api/v1', '/%C3%A9', '/a~b!$&(c)'])('accepts the basePath %j', (basePath) => {
    expect(build({ basePath })).not.toThrow()
  })
})

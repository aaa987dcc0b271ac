import { createServer } from 'node:http'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createAdaptorServer } from '@hono/node-server'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import { toNodeListener } from 'posthorn/http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { buildApi, expectProblem, input, missingId, read } from './api-fixture.ts'
import { listen, serve } from './servers.ts'

type Api = ReturnType<typeof buildApi>['api']

/** Mounts the API under /api/v1 and answers the origin of the server. */
type Mount = (api: Api) => Promise<string>

const nodeHttp: Mount = async (api) => await serve(toNodeListener(api))

const expressPlain: Mount = async (api) => await serve(express().use('/api/v1', toNodeListener(api)))

const expressWithParser: Mount = async (api) =>
  await serve(express().use(express.json()).use('/api/v1', toNodeListener(api)))

const expressWithRawParser: Mount = async (api) =>
  await serve(
    express()
      .use(express.raw({ type: '*/*' }))
      .use('/api/v1', toNodeListener(api)),
  )

const expressWithTextParser: Mount = async (api) =>
  await serve(
    express()
      .use(express.text({ type: '*/*' }))
      .use('/api/v1', toNodeListener(api)),
  )

const fastifyWithParser: Mount = async (api) => {
  const app = fastify({ forceCloseConnections: true })
  const listener = toNodeListener(api)
  app.all('/api/v1/*', (request, reply) => {
    reply.hijack()
    listener(Object.assign(request.raw, { body: request.body }), reply.raw)
  })
  onTestFinished(async () => await app.close())
  return await app.listen({ host: '127.0.0.1', port: 0 })
}

const fastifyPlain: Mount = async (api) => {
  const app = fastify({ forceCloseConnections: true })
  const listener = toNodeListener(api)
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.all('/api/v1/*', (request, reply) => {
      reply.hijack()
      listener(request.raw, reply.raw)
    })
  })
  onTestFinished(async () => await app.close())
  return await app.listen({ host: '127.0.0.1', port: 0 })
}

function koaApp(api: Api): Koa {
  const listener = toNodeListener(api)
  return new Koa().use((ctx, next) => {
    if (!ctx.path.startsWith('/api/v1/')) return next()
    ctx.respond = false
    listener(Object.assign(ctx.req, { body: ctx.request.body }), ctx.res)
  })
}

const koaPlain: Mount = async (api) => {
  const respond = koaApp(api).callback()
  return await serve((req, res) => void respond(req, res))
}

const koaWithParser: Mount = async (api) => {
  const app = new Koa().use(bodyParser())
  for (const middleware of koaApp(api).middleware) app.use(middleware)
  const respond = app.callback()
  return await serve((req, res) => void respond(req, res))
}

const hono: Mount = async (api) => {
  const app = new Hono().all('/api/v1/*', (c) => api(c.req.raw))
  const server = createAdaptorServer({ fetch: app.fetch, createServer })
  return await listen(server as ReturnType<typeof createServer>)
}

const mounts: readonly (readonly [string, Mount])[] = [
  ['node:http', nodeHttp],
  ['Express', expressPlain],
  ['Express with express.json()', expressWithParser],
  ['Express with express.raw()', expressWithRawParser],
  ['Express with express.text()', expressWithTextParser],
  ['Fastify with its own parsers', fastifyWithParser],
  ['Fastify without parsers', fastifyPlain],
  ['Koa', koaPlain],
  ['Koa with koa-bodyparser', koaWithParser],
  ['Hono on @hono/node-server', hono],
]

const parsesFirst = new Set(['Express with express.json()', 'Fastify with its own parsers', 'Koa with koa-bodyparser'])
const plain = mounts.filter(([name]) => !parsesFirst.has(name))

describe.each(mounts)('createWebhookApi on %s', (_, mount) => {
  async function client() {
    const fixture = buildApi({ basePath: '/api/v1' })
    const origin = await mount(fixture.api)
    const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
      const init: RequestInit = { method, headers }
      if (body !== undefined) {
        init.body = typeof body === 'string' ? body : JSON.stringify(body)
        init.headers = { 'content-type': 'application/json', ...headers }
      }
      return await read(await fetch(`${origin}${path}`, init))
    }
    return { ...fixture, origin, send }
  }

  it('creates, reads, changes, lists, rotates and deletes', async () => {
    const { send } = await client()
    const created = await send('POST', '/api/v1/webhooks', input({ name: 'Ünïcode ✓' }))
    expect(created.status, created.text).toBe(201)
    expect(created.body.name).toBe('Ünïcode ✓')
    const path = created.headers.get('location') ?? ''
    expect(path).toBe(`/api/v1/webhooks/${created.body.id}`)
    expect((await send('GET', path)).body.name).toBe('Ünïcode ✓')
    const head = await send('HEAD', path)
    expect([head.status, head.text]).toEqual([200, ''])
    expect((await send('PUT', path, input({ name: 'put' }))).body.name).toBe('put')
    expect((await send('PATCH', path, { name: 'patched' })).body.name).toBe('patched')
    expect((await send('GET', '/api/v1/webhooks?limit=1')).body.data).toHaveLength(1)
    expect((await send('POST', `${path}/rotate-secret`)).body.secret).toMatch(/^whsec_/)
    expect((await send('POST', `${path}/rotate-secret`, { overlapMs: 0 })).body.secret).toMatch(/^whsec_/)
    const deleted = await send('DELETE', path)
    expect([deleted.status, deleted.text]).toEqual([204, ''])
    expectProblem(await send('GET', path), 404, 'NOT_FOUND')
  })

  it('answers 401, 404, 405, 413 and 422', async () => {
    const { send, errors } = await client()
    expectProblem(await send('POST', '/api/v1/webhooks', input(), { 'x-tenant': 'nobody' }), 401, 'UNAUTHENTICATED')
    expectProblem(await send('GET', '/api/v1/nothing'), 404, 'NOT_FOUND')
    const refused = await send('DELETE', '/api/v1/webhooks')
    expectProblem(refused, 405, 'METHOD_NOT_ALLOWED')
    expect(refused.headers.get('allow')).toContain('POST')
    const large = await send('POST', '/api/v1/webhooks', input({ description: 'a'.repeat(70_000) }))
    expectProblem(large, 413, 'BODY_TOO_LARGE')
    expectProblem(await send('POST', '/api/v1/webhooks', {}), 422, 'VALIDATION_FAILED')
    expect(errors).toEqual([])
  })

  it('answers 400 to 10,000 levels of JSON', async () => {
    const { send, errors } = await client()
    const deep = `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`
    expectProblem(await send('POST', '/api/v1/webhooks', deep), 400, 'BODY_MALFORMED')
    expect(errors).toEqual([])
  })
})

describe.each(plain)('createWebhookApi on %s, where no JSON parser was first', (_, mount) => {
  it('answers 400 and 415 in its own way', async () => {
    const { api } = buildApi({ basePath: '/api/v1' })
    const origin = await mount(api)
    const post = async (body: string, contentType: string) => {
      const init = { method: 'POST', body, headers: { 'content-type': contentType } }
      return await read(await fetch(`${origin}/api/v1/webhooks`, init))
    }
    expectProblem(await post('{', 'application/json'), 400, 'BODY_MALFORMED')
    expectProblem(await post('{"__proto__":1}', 'application/json'), 422, 'VALIDATION_FAILED')
    expectProblem(await post('a=1', 'application/x-www-form-urlencoded'), 415, 'MEDIA_TYPE_UNSUPPORTED')
  })
})

describe('toNodeListener behind a parser', () => {
  it('answers 500 and reports it where the parsed body was not passed on', async () => {
    const { api, errors } = buildApi({ basePath: '/api/v1' })
    const listener = toNodeListener(api)
    const app = new Koa().use(bodyParser()).use((ctx) => {
      ctx.respond = false
      listener(ctx.req, ctx.res)
    })
    const respond = app.callback()
    const origin = await serve((req, res) => void respond(req, res))
    const init = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }
    const answer = await read(await fetch(`${origin}/api/v1/webhooks`, init))
    expectProblem(answer, 500, 'INTERNAL_ERROR')
    expect(errors).toMatchObject([{ code: 'RAW_BODY_REQUIRED', message: expect.stringContaining('req.body') }])
  })

  it('refuses __proto__ that a parser let through', async () => {
    const { api } = buildApi({ basePath: '/api/v1' })
    const origin = await expressWithParser(api)
    const init = { method: 'POST', body: '{"__proto__":{"a":1}}', headers: { 'content-type': 'application/json' } }
    expectProblem(await read(await fetch(`${origin}/api/v1/webhooks`, init)), 422, 'VALIDATION_FAILED')
  })

  it('answers 415 to a form that a parser has read', async () => {
    const { api } = buildApi({ basePath: '/api/v1' })
    const origin = await koaWithParser(api)
    const init = { method: 'POST', body: new URLSearchParams({ name: 'ci' }) }
    expectProblem(await read(await fetch(`${origin}/api/v1/webhooks`, init)), 415, 'MEDIA_TYPE_UNSUPPORTED')
  })

  it('keeps to originalUrl below an Express router', async () => {
    const { api } = buildApi({ basePath: '/a/b' })
    const router = express.Router().use('/b', toNodeListener(api))
    const origin = await serve(express().use('/a', router))
    const answer = await read(await fetch(`${origin}/a/b/webhooks/${missingId}`))
    expectProblem(answer, 404, 'NOT_FOUND')
    expect((await fetch(`${origin}/a/b/webhooks`)).status).toBe(200)
  })
})

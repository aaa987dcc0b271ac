import * as fc from 'fast-check'
import { toNodeListener } from 'posthorn/http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { memoryStorage } from '../../src/storage/memory/memory-storage.ts'
import { sqliteStorage } from '../../src/storage/sqlite/sqlite-storage.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { buildApi, expectProblem, input, missingId, read, type Answer } from './api-fixture.ts'
import { sendRaw, serve } from './servers.ts'

const method = fc.oneof(
  fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'constructor', '__proto__'),
  fc.stringMatching(/^[A-Za-z]{1,12}$/).filter((name) => !/^(connect|trace|track)$/i.test(name)),
)

const segment = fc.oneof(
  fc.constantFrom('webhooks', 'deliveries', 'event-types', 'test', 'resend', 'rotate-secret', '..', '%00', '%', ''),
  fc.constantFrom('KNOWN', missingId, '__proto__', 'constructor'),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => encodeURIComponent(text)),
)

const knownPath = fc
  .tuple(
    fc.constantFrom('/webhooks', '/webhooks/KNOWN', '/deliveries/KNOWN', '/event-types'),
    fc.constantFrom('', '/test', '/rotate-secret', '/deliveries', '/resend'),
  )
  .map((parts) => parts.join(''))

const path = fc.oneof(
  { weight: 3, arbitrary: knownPath },
  { weight: 1, arbitrary: fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`) },
)

const queryName = fc.oneof(
  fc.constantFrom('limit', 'cursor', 'isActive', 'state', 'type', '__proto__', 'constructor'),
  fc.string({ maxLength: 10 }),
)
const query = fc
  .array(fc.tuple(queryName, fc.string({ unit: 'binary', maxLength: 30 })), { maxLength: 3 })
  .map((pairs) => new URLSearchParams(pairs.map(([name, value]) => [name, value])).toString())

const fields = fc.dictionary(
  fc.constantFrom(
    'name',
    'url',
    'events',
    'isActive',
    'metadata',
    'secret',
    'overlapMs',
    'maxInFlight',
    'headers',
    'tenantId',
    'constructor',
    '__proto__',
    '',
  ),
  fc.oneof(
    fc.jsonValue({ maxDepth: 4 }),
    fc.dictionary(
      fc.string({ maxLength: 12 }),
      fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constant(null)),
      {
        maxKeys: 3,
      },
    ),
    fc.constantFrom('\u0000', '\ud800', 'http://[::', 'https://example.com/', ['*'], 1e308, -0, 2 ** 53),
  ),
)
const body = fc.oneof(
  { weight: 3, arbitrary: fields.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fields.map((value) => JSON.stringify(input(value))) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
)

const contentType = fc.oneof(
  { weight: 5, arbitrary: fc.constant('application/json') },
  { weight: 1, arbitrary: fc.stringMatching(/^[ -~]{0,40}$/) },
)

const idempotencyKey = fc.option(fc.stringMatching(/^[ -~]{0,3}$/), { freq: 3 })

// Of the 10,000 in all, few over the storage that takes its time.
const storages: [string, number, () => Storage][] = [['memoryStorage', 9_000, () => memoryStorage()]]
// Node 20 has no node:sqlite.
const hasSqlite = process.getBuiltinModule('node:sqlite') !== undefined
if (hasSqlite) storages.push(['sqliteStorage', 1_000, () => sqliteStorage(':memory:')])

// By hand, because ten thousand times a few expectations cost more than the requests.
function faultOf({ status, text, body: problem, headers }: Answer): string | null {
  if (status >= 500) return 'failed'
  if (/hidden value|\n\s+at |node_modules|\.ts:\d/.test(text)) return 'shows what it must not'
  if (headers.get('cache-control') !== 'no-store') return 'may be cached'
  if (status < 400 || text === '') return null
  const isProblem = problem.status === status && typeof problem.code === 'string' && Array.isArray(problem.issues)
  return isProblem ? null : 'is no problem'
}

describe('createWebhookApi under hostile requests', () => {
  it.each(storages)(
    'answers every generated request over %s, %i of them, none with 500',
    async (_, numRuns, create) => {
      const storage = create()
      onTestFinished(async () => await storage.close())
      const limits = { webhooks: Infinity, creationsPerMinute: Infinity, testsPerMinute: Infinity }
      const { api, call, errors } = buildApi({ storage, limits })
      const created = await call('POST', '/webhooks', input({ isActive: false, headers: { 'x-key': 'hidden value' } }))
      const known = created.body.id
      const prototype = Object.getOwnPropertyNames(Object.prototype)
      const request = fc.record({ method, path, query, body, contentType, idempotencyKey })
      await fc.assert(
        fc.asyncProperty(request, async (generated) => {
          const url = `http://localhost${generated.path.replace('KNOWN', known)}?${generated.query}`
          const hasBody = generated.body !== undefined && !/^(get|head)$/i.test(generated.method)
          const headers: Record<string, string> = { 'content-type': generated.contentType }
          if (generated.idempotencyKey !== null) headers['idempotency-key'] = generated.idempotencyKey
          const init: RequestInit = { method: generated.method, headers }
          if (hasBody) init.body = generated.body as BodyInit
          const startedAt = performance.now()
          const answer = await read(await api(new Request(url, init)))
          const fault = performance.now() - startedAt > 5_000 ? 'took too long' : faultOf(answer)
          if (fault !== null) throw new Error(`${fault}: ${answer.status} ${answer.text}`)
          if (errors.length > 0) throw errors[0]
        }),
        { numRuns },
      )
      expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototype)
    },
  )

  it('answers a query of a megabyte', async () => {
    const { call, errors } = buildApi()
    const long = `limit=${'1'.repeat(1_000_000)}`
    const many = Array.from({ length: 100_000 }, (_, index) => `p${index}=1`).join('&')
    expectProblem(await call('GET', `/webhooks?${long}`), 422, 'VALIDATION_FAILED')
    expectProblem(await call('GET', `/webhooks?${many}`), 422, 'VALIDATION_FAILED')
    expectProblem(await call('GET', `/webhooks?cursor=${'a'.repeat(1_000_000)}`), 422, 'CURSOR_INVALID')
    expect(errors).toEqual([])
  })

  it('serves the route of the path, whatever Host says', async () => {
    const { api } = buildApi()
    const origin = await serve(toNodeListener(api))
    for (const host of ['evil.example/webhooks?', 'a@b', '#', '\u00ff', '[', 'a:99999']) {
      const answer = await sendRaw(origin, `GET /event-types HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
      expect(answer, host).toContain('HTTP/1.1 200')
      expect(answer, host).toContain('execution.completed')
    }
  })

  it('answers 413 over a socket before the body ends, and frees the connection', async () => {
    const { api } = buildApi()
    const origin = await serve(toNodeListener(api))
    const head =
      'POST /webhooks HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 10000000\r\n\r\n'
    const answer = await sendRaw(origin, head + ' '.repeat(70_000))
    expect(answer).toContain('HTTP/1.1 413')
    expect(answer.toLowerCase()).toContain('connection: close')
  })
})

import * as fc from 'fast-check'
import { toNodeListener } from 'posthorn/http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { memoryStorage } from '../../src/storage/memory/memory-storage.ts'
import { sqliteStorage } from '../../src/storage/sqlite/sqlite-storage.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { buildApi, expectProblem, input, missingId, read } from './api-fixture.ts'
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
    'tenantId',
    '',
  ),
  fc.oneof(
    fc.jsonValue({ maxDepth: 4 }),
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

const storages: [string, () => Storage][] = [['memoryStorage', () => memoryStorage()]]
// Node 20 has no node:sqlite.
const hasSqlite = process.getBuiltinModule('node:sqlite') !== undefined
if (hasSqlite) storages.push(['sqliteStorage', () => sqliteStorage(':memory:')])

describe('createWebhookApi under hostile requests', () => {
  it.each(storages)('answers 1,000 generated requests over %s, none with 500', async (_, createStorage) => {
    const storage = createStorage()
    onTestFinished(async () => await storage.close())
    const { api, call, errors } = buildApi({ storage })
    const created = await call('POST', '/webhooks', input({ isActive: false }))
    const known = created.body.id
    const request = fc.record({ method, path, query, body, contentType })
    await fc.assert(
      fc.asyncProperty(request, async (generated) => {
        const url = `http://localhost${generated.path.replace('KNOWN', known)}?${generated.query}`
        const hasBody = generated.body !== undefined && !/^(get|head)$/i.test(generated.method)
        const init: RequestInit = { method: generated.method, headers: { 'content-type': generated.contentType } }
        if (hasBody) init.body = generated.body as BodyInit
        const answer = await read(await api(new Request(url, init)))
        expect(errors).toEqual([])
        expect(answer.status).toBeLessThan(500)
        if (answer.status >= 400 && answer.text !== '') expectProblem(answer, answer.status, answer.body.code)
      }),
      { numRuns: 1_000 },
    )
  })

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

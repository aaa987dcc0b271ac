import { toNodeListener } from 'posthorn/http'
import { describe, expect, it } from 'vitest'
import { buildApi, expectProblem, input, missingId } from './api-fixture.ts'
import { serve } from './servers.ts'

function bodyOf(chunkCount: number, chunkBytes: number, onCancel = () => {}): ReadableStream<Uint8Array> {
  let sent = 0
  return new ReadableStream({
    pull(controller) {
      if (sent++ === chunkCount) controller.close()
      else controller.enqueue(new Uint8Array(chunkBytes).fill(0x20))
    },
    cancel: onCancel,
  })
}

function streamed(body: ReadableStream<Uint8Array>, headers: Record<string, string> = {}): Request {
  const init: RequestInit & { duplex: 'half' } = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    duplex: 'half',
  }
  return new Request('http://localhost/webhooks', init)
}

async function readAnswer(response: Response) {
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) }
}

describe('createWebhookApi bodies', () => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;x=y',
    'application/merge-patch+json',
  ])('takes %s', async (contentType) => {
    const { call } = buildApi()
    expect((await call('POST', '/webhooks', input(), { 'content-type': contentType })).status).toBe(201)
  })

  it.each(['text/plain', 'text/json', 'application/x-www-form-urlencoded', 'multipart/form-data', 'json', '+json', ''])(
    'answers 415 to the media type %j',
    async (contentType) => {
      const { call } = buildApi()
      const answer = await call('POST', '/webhooks', input(), { 'content-type': contentType })
      expectProblem(answer, 415, 'MEDIA_TYPE_UNSUPPORTED')
      expect(answer.headers.get('accept')).toBe('application/json')
    },
  )

  it('answers 415 to a body without a media type, and to a compressed one', async () => {
    const { api, call } = buildApi()
    const bytes = new TextEncoder().encode(JSON.stringify(input()))
    const untyped = await api(new Request('http://localhost/webhooks', { method: 'POST', body: bytes }))
    expectProblem(await readAnswer(untyped), 415, 'MEDIA_TYPE_UNSUPPORTED')
    const compressed = await call('POST', '/webhooks', input(), { 'content-encoding': 'gzip' })
    expectProblem(compressed, 415, 'MEDIA_TYPE_UNSUPPORTED')
    expect((await call('POST', '/webhooks', input(), { 'content-encoding': 'identity' })).status).toBe(201)
  })

  it('answers 400 where a body is needed and missing', async () => {
    const { call } = buildApi()
    expectProblem(await call('POST', '/webhooks'), 400, 'BODY_MALFORMED')
    expectProblem(await call('PUT', `/webhooks/${missingId}`, ''), 400, 'BODY_MALFORMED')
    expectProblem(await call('PATCH', `/webhooks/${missingId}`), 400, 'BODY_MALFORMED')
  })

  it.each(['{', '{"name":"whsec_hidden"', 'undefined', "{'a':1}", '{"a":1}{', '\u0000', '[1,]', 'NaN'])(
    'answers 400 to %j without repeating it',
    async (body) => {
      const { call } = buildApi()
      const answer = await call('POST', '/webhooks', body)
      expectProblem(answer, 400, 'BODY_MALFORMED')
      expect(answer.text).not.toContain('hidden')
    },
  )

  it('answers 400 to bytes that are not UTF-8, and takes a byte order mark', async () => {
    const { call } = buildApi()
    const text = new TextEncoder().encode(JSON.stringify(input({ name: 'X' })))
    const broken = text.map((byte) => (byte === 0x58 ? 0xff : byte))
    expectProblem(await call('POST', '/webhooks', broken), 400, 'BODY_MALFORMED')
    expect((await call('POST', '/webhooks', `\ufeff${JSON.stringify(input())}`)).status).toBe(201)
  })

  it('takes 64 KiB and answers 413 to one byte more', async () => {
    const { call } = buildApi()
    const text = JSON.stringify(input())
    const padded = text + ' '.repeat(65_536 - text.length)
    expect((await call('POST', '/webhooks', padded)).status).toBe(201)
    expectProblem(await call('POST', '/webhooks', `${padded} `), 413, 'BODY_TOO_LARGE')
  })

  it('counts bytes, whatever content-length says, and stops reading', async () => {
    const { api } = buildApi()
    let isCancelled = false
    const endless = bodyOf(Number.POSITIVE_INFINITY, 1_024, () => {
      isCancelled = true
    })
    expectProblem(await readAnswer(await api(streamed(endless, { 'content-length': '2' }))), 413, 'BODY_TOO_LARGE')
    expect(isCancelled).toBe(true)
    const lying = await api(streamed(bodyOf(65, 1_024), { 'content-length': '2' }))
    expectProblem(await readAnswer(lying), 413, 'BODY_TOO_LARGE')
    const boasting = await api(streamed(bodyOf(1, 2), { 'content-length': '99999999' }))
    expectProblem(await readAnswer(boasting), 400, 'BODY_MALFORMED')
  })

  // It waited for ever: a cloned body is cancelled only when both halves are.
  it.each([
    ['leaves its clone unread', () => {}],
    ['reads its clone in part', async (clone: Request) => void (await clone.body?.getReader().read())],
    ['reads its clone in the background', (clone: Request) => void clone.text()],
  ])('answers 413 where authorize %s', async (_, use) => {
    const authorize = async (request: Request) => {
      await use(request.clone())
      return { tenantId: 'acme' }
    }
    const { api } = buildApi({ authorize })
    expectProblem(await readAnswer(await api(streamed(bodyOf(80, 1_024)))), 413, 'BODY_TOO_LARGE')
    const startedAt = performance.now()
    const origin = await serve(toNodeListener(api))
    const body = ' '.repeat(500_000)
    const response = await fetch(`${origin}/webhooks`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    })
    expectProblem(await readAnswer(response), 413, 'BODY_TOO_LARGE')
    expect(response.headers.get('connection')).toBe('keep-alive')
    expect(performance.now() - startedAt).toBeLessThan(900)
  })

  it('answers 400 to a body that breaks off', async () => {
    const { api, errors } = buildApi()
    const broken = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('reset')) })
    expectProblem(await readAnswer(await api(streamed(broken))), 400, 'BODY_MALFORMED')
    expect(errors).toEqual([])
  })

  it('answers 500 and reports it where the host has read the body already', async () => {
    const { api, errors } = buildApi()
    const used = streamed(bodyOf(1, 2))
    await used.text()
    const locked = streamed(bodyOf(1, 2))
    locked.body?.getReader()
    for (const request of [used, locked]) {
      expectProblem(await readAnswer(await api(request)), 500, 'INTERNAL_ERROR')
    }
    expect(errors).toMatchObject([{ code: 'RAW_BODY_REQUIRED' }, { code: 'RAW_BODY_REQUIRED' }])
  })

  it('takes 16 levels of nesting, and answers 400 to 17 and to 10,000', async () => {
    const { call } = buildApi()
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
    expectProblem(await call('POST', '/webhooks', nested(16)), 422, 'VALIDATION_FAILED')
    expectProblem(await call('POST', '/webhooks', nested(17)), 400, 'BODY_MALFORMED')
    expectProblem(await call('POST', '/webhooks', nested(10_000)), 400, 'BODY_MALFORMED')
    const objects = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`
    expectProblem(await call('POST', '/webhooks', objects), 400, 'BODY_MALFORMED')
  })

  it.each([
    ['{"__proto__":{"isAdmin":true},"name":"ci"}', '__proto__'],
    ['{"metadata":{"__proto__":{"isAdmin":"true"}}}', 'metadata.__proto__'],
    ['{"events":[{"__proto__":null}]}', 'events[0].__proto__'],
    ['{"\\u005f_proto__":1}', '__proto__'],
  ])('answers 422 to %s and pollutes nothing', async (body, path) => {
    const { call } = buildApi()
    const problem = expectProblem(await call('POST', '/webhooks', body), 422, 'VALIDATION_FAILED')
    expect(problem.issues).toEqual([{ path, message: expect.any(String) }])
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined()
  })

  it('keeps constructor and prototype as the plain words they are in metadata', async () => {
    const { call } = buildApi()
    const metadata = { constructor: 'a', prototype: 'b', toString: 'c' }
    expect((await call('POST', '/webhooks', input({ metadata }))).body.metadata).toEqual(metadata)
  })

  it('leaves the body of an operation without one unread', async () => {
    const { api } = buildApi()
    const request = new Request(`http://localhost/webhooks/${missingId}/test`, { method: 'POST', body: '{' })
    expect((await api(request)).status).toBe(404)
    expect(request.bodyUsed).toBe(false)
  })

  it('leaves the body unread where the id is malformed', async () => {
    const { api } = buildApi()
    const request = new Request('http://localhost/webhooks/7/rotate-secret', { method: 'POST', body: '{' })
    expect((await api(request)).status).toBe(404)
    expect(request.bodyUsed).toBe(false)
  })

  it('shortens a detail that would repeat thousands of issues, and keeps the issues', async () => {
    const { call } = buildApi()
    const strangers = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`field${index}`, index]))
    const problem = expectProblem(await call('POST', '/webhooks', input(strangers)), 422, 'VALIDATION_FAILED')
    expect(problem.issues).toHaveLength(2_000)
    expect(problem.detail.length).toBeLessThan(1_001)
  })
})

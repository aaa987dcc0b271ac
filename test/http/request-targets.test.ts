import express from 'express'
import { toNodeListener } from 'posthorn/http'
import { describe, expect, it } from 'vitest'
import { buildApi } from './api-fixture.ts'
import { sendRaw, serve } from './servers.ts'

// URL makes /api/v1/event-types of each; a guard that compares the path as it was sent finds another one.
const disguised = [
  '/x/../api/v1/event-types',
  '/%2e%2e/api/v1/event-types',
  '/x/.%2E/api/v1/event-types',
  '/%2e/api/v1/event-types',
  '/./api/v1/event-types',
  '/api\\v1\\event-types',
  '\\api/v1/event-types',
  '/api/v1/x/../event-types',
  '/api/./v1/event-types',
  'http://h/api/v1/event-types',
  'http://h/x/../api/v1/event-types',
  'HTTP://h\\@other/api/v1/event-types',
  '/api/v1/event-types#x',
  '/api/v1/event-types#x?y',
]

function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`
}

describe('toNodeListener behind a guard of /api/v1', () => {
  // Behind the guard of Express, and of whoever compares the beginning of req.url.
  async function guarded() {
    const { api } = buildApi({ basePath: '/api/v1' })
    const listener = toNodeListener(api)
    const app = express()
      .use('/api/v1', (_req, res) => void res.status(403).end())
      .use(listener)
    const byPrefix = await serve((req, res) => {
      if (req.url?.startsWith('/api/v1')) res.writeHead(403).end()
      else listener(req, res)
    })
    return { byExpress: await serve(app), byPrefix }
  }

  it.each(disguised)('does not let %s reach the API', async (target) => {
    const { byExpress, byPrefix } = await guarded()
    for (const origin of [byExpress, byPrefix]) {
      expect(await sendRaw(origin, get(target))).toMatch(/^HTTP\/1\.1 (?:400|403|404) /)
    }
  })

  it('is reached where the guard lets the path pass', async () => {
    const { api } = buildApi({ basePath: '/api/v1' })
    const origin = await serve(toNodeListener(api))
    for (const target of ['/api/v1/event-types', '/api/v1/event-types?']) {
      expect(await sendRaw(origin, get(target))).toMatch(/^HTTP\/1\.1 200 /)
    }
  })

  it.each(disguised)('answers 404 to %s and hands it to no handler', async (target) => {
    const seen: string[] = []
    const origin = await serve(
      toNodeListener(async (request) => {
        seen.push(request.url)
        return new Response()
      }),
    )
    const answer = await sendRaw(origin, get(target))
    // Node's own parser refuses a backslash in place of the first slash and of the host's end.
    const isParsed = !/^(?:\\|HTTP:)/.test(target)
    expect(answer).toMatch(isParsed ? /^HTTP\/1\.1 404 [^]*"code":"NOT_FOUND"/ : /^HTTP\/1\.1 400 /)
    expect(seen).toEqual([])
  })

  it('judges the path that the client sent, below a router too', async () => {
    const { api } = buildApi({ basePath: '/api/v1' })
    const origin = await serve(express().use('/x', toNodeListener(api)))
    expect(await sendRaw(origin, get('/x/../api/v1/event-types'))).toMatch(/^HTTP\/1\.1 404 /)
  })
})

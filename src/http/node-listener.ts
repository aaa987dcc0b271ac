import type { Writable } from 'node:stream'
import { discardRest } from './discard-rest.ts'
import { notFoundResponse } from './error-response.ts'
import { toRequest, type NodeRequest } from './node-request.ts'
import { isGone, writeResponse, type NodeResponse } from './node-response.ts'
import { urlOf } from './node-url.ts'
import { problemResponse } from './problem.ts'

/**
 * Answers a request of `node:http` or `node:http2`, and of what is built on them. It returns at once and never throws; `next`, where given, is called
 * only with an error of the handler itself.
 */
export type NodeListener = (req: NodeRequest, res: NodeResponse, next?: (error?: unknown) => void) => void

/**
 * Mounts a fetch handler, such as the one of {@link createWebhookApi}, on Node's own HTTP servers and on the frameworks over them.
 *
 * - The path is the one that the client sent (Express: `originalUrl`), so `basePath` names the whole of it, also below a mount point.
 * - A path that `URL` would write in another way (`/x/../api`, `/%2e%2e/api`, `/api\v1`) and an absolute target (`http://host/api`)
 *   are answered with 404, whatever the handler: a guard in front that compares paths sees the one that the handler sees.
 * - The body is streamed. Where a parser was there first, `req.body` is used instead: pass it where the framework keeps it elsewhere.
 * - The URL's host is what the client claims in `Host`; where that is not a host it is `localhost`. Routing does not depend on it.
 * - The request's `signal` aborts when the client goes away before the answer is out.
 * - What the handler leaves unread of a body is read and dropped, up to 1 MiB and 1 s; a longer one costs the client its connection,
 *   or in HTTP/2 its stream.
 *
 * @example
 * const api = createWebhookApi({ registry, dispatcher, basePath: '/api/v1', authorize })
 * const listener = toNodeListener(api)
 *
 * // node:http, and node:http2
 * createServer(listener).listen(8000)
 *
 * // Express 5, with or without express.json() in front
 * app.use('/api/v1', listener)
 *
 * // Fastify 5: take its parsers out, because they answer bad JSON in their own way …
 * app.register(async (scope) => {
 *   scope.removeAllContentTypeParsers()
 *   scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
 *   scope.all('/api/v1/*', (request, reply) => {
 *     reply.hijack()
 *     listener(request.raw, reply.raw)
 *   })
 * })
 * // … or keep them, and pass on what they parsed
 * app.all('/api/v1/*', (request, reply) => {
 *   reply.hijack()
 *   listener(Object.assign(request.raw, { body: request.body }), reply.raw)
 * })
 *
 * // Koa 3; without a body parser, ctx.req alone will do
 * app.use((ctx, next) => {
 *   if (!ctx.path.startsWith('/api/v1/')) return next()
 *   ctx.respond = false
 *   listener(Object.assign(ctx.req, { body: ctx.request.body }), ctx.res)
 * })
 *
 * // Hono needs no listener: it speaks Request and Response
 * app.all('/api/v1/*', (c) => api(c.req.raw))
 *
 * @throws {TypeError} where `handler` is not a function.
 */
export function toNodeListener(handler: (request: Request) => Promise<Response>): NodeListener {
  if (typeof handler !== 'function') {
    throw new TypeError(`toNodeListener needs a function (request) => Promise<Response>, not ${typeof handler}.`)
  }
  return (req, res, next) => {
    void serve(handler, req, res, next)
  }
}

async function serve(
  handler: (request: Request) => Promise<Response>,
  req: NodeRequest,
  res: NodeResponse,
  next: ((error?: unknown) => void) | undefined,
): Promise<void> {
  try {
    const response = await answer(handler, req, res)
    await discardRest(req, res)
    await writeResponse(response, res)
  } catch (error) {
    fail(error, req, res, next)
  }
}

async function answer(
  handler: (request: Request) => Promise<Response>,
  req: NodeRequest,
  res: NodeResponse,
): Promise<Response> {
  // The methods that no Request can have (Fetch standard, "forbidden method").
  if (/^(?:connect|trace|track)$/i.test(req.method ?? '')) return methodRefused()
  const url = urlOf(req)
  return url === null ? notFoundResponse() : await handler(toRequest(req, url, goneSignal(res)))
}

function methodRefused(): Response {
  const allow = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
  return problemResponse('METHOD_NOT_ALLOWED', `This method is not answered here: use one of ${allow}.`, [], { allow })
}

function goneSignal(res: NodeResponse): AbortSignal {
  const controller = new AbortController()
  const sink: Writable = res
  sink.once('close', () => {
    // HTTP/2 finishes what the client broke off, without anybody having ended it.
    if (!sink.writableEnded || !sink.writableFinished) controller.abort()
  })
  return controller.signal
}

function fail(error: unknown, req: NodeRequest, res: NodeResponse, next?: (error?: unknown) => void): void {
  if (isGone(res) || req.destroyed) return
  if (res.headersSent) {
    cutOff(res)
  } else if (next !== undefined) {
    next(error)
  } else {
    console.error('Posthorn: the handler of toNodeListener failed.', error)
    res.statusCode = 500
    res.end()
  }
}

function cutOff(res: NodeResponse): void {
  // INTERNAL_ERROR (RFC 9113, section 7): destroyed, a stream ends without an error and the client takes the part for the whole.
  if ('stream' in res) res.stream.close(2)
  else res.destroy()
}

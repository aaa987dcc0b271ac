import type { IncomingMessage, ServerResponse } from 'node:http'
import { discardRest } from './discard-rest.ts'
import { toRequest, type NodeRequest } from './node-request.ts'
import { writeResponse } from './node-response.ts'
import { problemResponse } from './problem.ts'

/**
 * Answers a request of `node:http`, and of what is built on it. It returns at once and never throws; `next`, where given, is called
 * only with an error of the handler itself.
 */
export type NodeListener = (req: NodeRequest, res: ServerResponse, next?: (error?: unknown) => void) => void

/**
 * Mounts a fetch handler, such as the one of {@link createWebhookApi}, on Node's own HTTP server and on the frameworks over it.
 *
 * - The path is the one that the client sent (Express: `originalUrl`), so `basePath` names the whole of it, also below a mount point.
 * - The body is streamed. Where a parser was there first, `req.body` is used instead: pass it where the framework keeps it elsewhere.
 * - The URL's host is what the client claims in `Host`; where that is not a host it is `localhost`. Routing does not depend on it.
 * - The request's `signal` aborts when the client goes away before the answer is out.
 * - What the handler leaves unread of a body is read and dropped, up to 1 MiB and 1 s; a longer one costs the client its connection.
 *
 * @example
 * const listener = toNodeListener(createWebhookApi({ registry, dispatcher, basePath: '/api/v1', authorize }))
 *
 * // node:http
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
  res: ServerResponse,
  next: ((error?: unknown) => void) | undefined,
): Promise<void> {
  try {
    const response = req.method === 'TRACE' ? traceRefused() : await handler(toRequest(req, goneSignal(res)))
    await discardRest(req, res)
    await writeResponse(response, res)
  } catch (error) {
    fail(error, req, res, next)
  }
}

// A Request cannot have this method (Fetch standard, "forbidden method").
function traceRefused(): Response {
  const allow = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
  return problemResponse('METHOD_NOT_ALLOWED', 'TRACE is not answered here.', [], { allow })
}

function goneSignal(res: ServerResponse): AbortSignal {
  const controller = new AbortController()
  res.once('close', () => {
    if (!res.writableFinished) controller.abort()
  })
  return controller.signal
}

function fail(error: unknown, req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void): void {
  if (res.destroyed || req.destroyed) return
  if (res.headersSent) {
    res.destroy()
  } else if (next !== undefined) {
    next(error)
  } else {
    console.error('Posthorn: the handler of toNodeListener failed.', error)
    res.statusCode = 500
    res.end()
  }
}

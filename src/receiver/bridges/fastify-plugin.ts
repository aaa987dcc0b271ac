import type { Receiver } from '../receiver.ts'
import { exchange } from './node-exchange.ts'
import type { NodeRequestLike } from './node-request.ts'

/** Where {@link toFastifyPlugin} answers. */
export interface FastifyPluginOptions {
  /** The path of the one route, below the prefix of `register`; `/` unless given. */
  readonly path?: string
}

/** What is used of a Fastify instance. */
export interface FastifyScope {
  /** Takes all parsers out of this scope. */
  removeAllContentTypeParsers(): unknown
  /** Adds a parser to this scope. */
  addContentTypeParser(
    contentType: string,
    parser: (request: unknown, payload: unknown, done: (error: Error | null, body?: unknown) => void) => void,
  ): unknown
  /** Adds a route. */
  route(options: FastifyRoute): unknown
}

/** The route that is added. */
export interface FastifyRoute {
  /** Its methods. */
  readonly method: ('GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE')[]
  /** Its path. */
  readonly url: string
  /** Answers a request. */
  readonly handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown>
}

/** What is used of a request. */
export interface FastifyRequestLike {
  /** Node's request. */
  readonly raw: NodeRequestLike
  /** What a parser made of the body. */
  readonly body: unknown
}

/** What is used of a reply. */
export interface FastifyReplyLike {
  /** Sets the status. */
  code(status: number): unknown
  /** Sets headers. */
  headers(headers: Record<string, string>): unknown
  /** Sends the body. */
  send(body: Uint8Array): unknown
}

/**
 * Makes a Fastify plugin with one route for a receiver. Its scope has no body parsers, so the route gets the bytes as they came; the rest of the
 * app keeps its own.
 *
 * @example
 * app.register(toFastifyPlugin(receiver, { path: '/webhooks' }))
 */
export function toFastifyPlugin(
  receiver: Receiver,
  options: FastifyPluginOptions = {},
): (scope: FastifyScope) => Promise<void> {
  const { path = '/' } = options
  return async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.route({
      method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      url: path,
      handler: async ({ raw, body }, reply) => {
        const { status, headers, body: answer } = await exchange(receiver, raw, { body, rawBody: raw.rawBody }, hint)
        reply.code(status)
        reply.headers({ ...headers })
        return reply.send(answer)
      },
    })
  }
}

const hint =
  'Write app.register(toFastifyPlugin(receiver)) without fastify-plugin around it, and let no onRequest or preParsing hook read request.raw.'

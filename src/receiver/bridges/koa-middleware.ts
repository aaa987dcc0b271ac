import type { Receiver } from '../receiver.ts'
import { exchange, type NodeResponseLike, writeAnswer } from './node-exchange.ts'
import type { NodeRequestLike } from './node-request.ts'

/** Where {@link toKoaMiddleware} answers. */
export interface KoaMiddlewareOptions {
  /** The path, exactly; every request that gets to the middleware unless given, as below a router. */
  readonly path?: string
}

/** What is used of a context of Koa. */
export interface KoaContext {
  /** The path of the URL. */
  readonly path: string
  /** Node's request. */
  readonly req: NodeRequestLike
  /** Node's response. */
  readonly res: NodeResponseLike
  /** Koa's request, to which a parser adds. */
  readonly request: object
  /** Whether Koa writes the response. */
  respond?: boolean
}

/** A middleware of Koa. */
export type KoaMiddleware = (context: KoaContext, next: () => Promise<unknown>) => Promise<unknown>

/**
 * Makes a middleware of Koa for a receiver. It needs no parser. Behind koa-bodyparser it takes `ctx.request.rawBody`; where the bytes are
 * gone the sender is answered 500, and `onError` is told what to change.
 *
 * @example
 * app.use(toKoaMiddleware(receiver, { path: '/webhooks' })) // above app.use(bodyParser())
 */
export function toKoaMiddleware(receiver: Receiver, options: KoaMiddlewareOptions = {}): KoaMiddleware {
  const { path } = options
  return async (context, next) => {
    if (path !== undefined && context.path !== path) return await next()
    const { req, request } = context
    const parsed = { body: Reflect.get(request, 'body'), rawBody: Reflect.get(request, 'rawBody') }
    const answer = await exchange(receiver, req, parsed, hint)
    context.respond = false
    writeAnswer(context.res, answer)
    return undefined
  }
}

const hint = "Move app.use(toKoaMiddleware(receiver, { path: '/webhooks' })) above app.use(bodyParser())."

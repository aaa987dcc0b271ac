import type { IncomingMessage } from 'node:http'
import { PosthornError } from '../domain/error.ts'

/** A request of `node:http`, with what frameworks and body parsers add to it. */
export type NodeRequest = IncomingMessage & {
  /** What a body parser made of the body: a value parsed from JSON, or the body as text or bytes. */
  readonly body?: unknown
  /** The URL before a router took its mount point off. */
  readonly originalUrl?: string
}

/** Makes the Fetch standard's request of Node's. */
export function toRequest(req: NodeRequest, signal: AbortSignal): Request {
  const body = hasBody(req) ? bodyOf(req) : null
  // `duplex` is demanded for streams and missing in the DOM's types.
  const init: RequestInit & { duplex: 'half' } = {
    method: req.method ?? 'GET',
    headers: headersOf(req),
    body,
    signal,
    duplex: 'half',
  }
  return new Request(originOf(req) + pathOf(req), init)
}

/** Says whether a request brings a body that a `Request` may have. */
export function hasBody(req: IncomingMessage): boolean {
  if (req.method === 'GET' || req.method === 'HEAD') return false
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
}

function bodyOf(req: NodeRequest): Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array> {
  const isRead = req.readableDidRead || req.readableEnded
  if (!isRead) return streamOf(req)
  if (typeof req.body === 'string') return req.body
  if (req.body instanceof Uint8Array) return new Uint8Array(req.body)
  if (req.body === undefined) {
    const message = 'The body was read before toNodeListener got the request: pass what was parsed as req.body.'
    return brokenStream(new PosthornError('RAW_BODY_REQUIRED', message))
  }
  try {
    return JSON.stringify(req.body)
  } catch (error) {
    // Nested too deeply to be written; the same answer as for a body that breaks off.
    return brokenStream(error)
  }
}

function brokenStream(error: unknown): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.error(error) }, { highWaterMark: 0 })
}

// By hand: Readable.toWeb destroys the socket when its reader cancels, and with it the answer. Listens from the first read on, so
// that a body nobody reads is left to be discarded.
function streamOf(req: IncomingMessage): ReadableStream<Uint8Array> {
  let detach: (() => void) | undefined
  return new ReadableStream(
    {
      pull(controller) {
        if (req.destroyed) return controller.error(closedEarly())
        detach ??= attach(req, controller)
        req.resume()
      },
      cancel() {
        detach?.()
        req.pause()
      },
    },
    { highWaterMark: 0 },
  )
}

function attach(req: IncomingMessage, controller: ReadableStreamDefaultController<Uint8Array>): () => void {
  const onData = (chunk: Uint8Array) => {
    req.pause()
    controller.enqueue(chunk)
  }
  const onEnd = () => {
    detach()
    controller.close()
  }
  const onClose = () => {
    detach()
    controller.error(closedEarly())
  }
  const detach = () => {
    req.off('data', onData).off('end', onEnd).off('close', onClose)
  }
  req.on('data', onData).on('end', onEnd).on('close', onClose)
  return detach
}

function closedEarly(): Error {
  return new Error('The connection was closed before the body was complete.')
}

function headersOf(req: IncomingMessage): Headers {
  const headers = new Headers()
  for (let index = 0; index + 1 < req.rawHeaders.length; index += 2) {
    headers.append(req.rawHeaders[index] ?? '', req.rawHeaders[index + 1] ?? '')
  }
  return headers
}

function originOf(req: IncomingMessage): string {
  const scheme = 'encrypted' in req.socket && req.socket.encrypted === true ? 'https' : 'http'
  const host = req.headers.host ?? ''
  // The characters of names, IPv4, IPv6 and ports; anything else could end the host early and alter the path.
  const isHost = /^[\w.\-:[\]]+$/.test(host) && URL.canParse(`${scheme}://${host}`)
  return `${scheme}://${isHost ? host : 'localhost'}`
}

// Joined as text by the caller: resolving `//evil.example/webhooks` against the origin would take it for a host.
function pathOf(req: NodeRequest): string {
  const target = req.originalUrl ?? req.url ?? '/'
  if (target.startsWith('/')) return target
  if (!URL.canParse(target)) return '/'
  const { pathname, search } = new URL(target)
  return pathname.startsWith('/') ? pathname + search : '/'
}

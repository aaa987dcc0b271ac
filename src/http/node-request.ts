import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { Readable } from 'node:stream'
import { PosthornError } from '../domain/error.ts'

/** A request of `node:http` or `node:http2`, with what frameworks and body parsers add to it. */
export type NodeRequest = (IncomingMessage | Http2ServerRequest) & {
  /** What a body parser made of the body: a value parsed from JSON, or the body as text or bytes. */
  readonly body?: unknown
  /** The URL before a router took its mount point off. */
  readonly originalUrl?: string
}

/** Makes the Fetch standard's request of Node's. */
export function toRequest(req: NodeRequest, url: string, signal: AbortSignal): Request {
  const body = hasBody(req) ? bodyOf(req) : null
  // `duplex` is demanded for streams and missing in the DOM's types.
  const init: RequestInit & { duplex: 'half' } = {
    method: req.method ?? 'GET',
    headers: headersOf(req),
    body,
    signal,
    duplex: 'half',
  }
  return new Request(url, init)
}

/** Says whether a request brings a body that a `Request` may have. */
export function hasBody(req: NodeRequest): boolean {
  // HTTP/2 takes any method, and a Request makes capitals of `get`.
  if (/^(?:get|head)$/i.test(req.method ?? '')) return false
  if ('stream' in req) return !req.stream.endAfterHeaders
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
function streamOf(req: NodeRequest): ReadableStream<Uint8Array> {
  let detach: (() => void) | undefined
  return new ReadableStream(
    {
      pull(controller) {
        const loss = lossOf(req)
        if (loss !== null) return controller.error(loss)
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

// HTTP/2 destroys no request: one that was broken off, or answered, is emptied and ends.
function lossOf(req: NodeRequest): Error | null {
  if (req.readableEnded && !req.aborted) return new Error('The request was answered before its body was read.')
  return req.destroyed || req.aborted ? closedEarly() : null
}

function attach(req: NodeRequest, controller: ReadableStreamDefaultController<Uint8Array>): () => void {
  const source: Readable = req
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
    source.off('data', onData).off('end', onEnd).off('close', onClose)
  }
  source.on('data', onData).on('end', onEnd).on('close', onClose)
  return detach
}

function closedEarly(): Error {
  return new Error('The connection was closed before the body was complete.')
}

function headersOf(req: NodeRequest): Headers {
  const headers = new Headers()
  for (let index = 0; index + 1 < req.rawHeaders.length; index += 2) {
    const name = req.rawHeaders[index] ?? ''
    // HTTP/2 has method, path and host among the headers, with a colon in front.
    if (!name.startsWith(':')) headers.append(name, req.rawHeaders[index + 1] ?? '')
  }
  return headers
}

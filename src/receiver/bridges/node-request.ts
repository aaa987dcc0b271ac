import { PosthornError } from '../../domain/error.ts'

/** A request of `node:http`, `node:http2` and what is built on them, as far as it is used. */
export interface NodeRequestLike {
  /** The method. */
  readonly method?: string | undefined
  /** The path and query. */
  readonly url?: string | undefined
  /** The path and query before a router took its mount point off. */
  readonly originalUrl?: string | undefined
  /** Names and values of the headers, by turns. */
  readonly rawHeaders: readonly string[]
  /** The headers. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** 1 or 2. */
  readonly httpVersionMajor: number
  /** What a body parser made of the body. */
  readonly body?: unknown
  /** The bytes that a body parser kept. */
  readonly rawBody?: unknown
  /** Whether somebody has read of the body. */
  readonly readableDidRead: boolean
  /** Whether the body was read to its end. */
  readonly readableEnded: boolean
  /** Whether nothing will come any more. */
  readonly destroyed: boolean
  /** Listens for a part of the body. */
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown
  /** Listens for its end, or for that of the connection. */
  on(event: 'end' | 'close', listener: () => void): unknown
  /** Listens no more. */
  off(event: 'data', listener: (chunk: Uint8Array) => void): unknown
  /** Listens no more. */
  off(event: 'end' | 'close', listener: () => void): unknown
  /** Stops the flow of parts. */
  pause(): unknown
  /** Lets it go on. */
  resume(): unknown
}

/** What frameworks made of the body of a request, where it is not on the request itself. */
export interface ParsedBody {
  readonly body: unknown
  readonly rawBody: unknown
}

/** Makes the Fetch standard's request of Node's; `hint` says what to change where the raw body is gone. */
export function toFetchRequest(req: NodeRequestLike, { body, rawBody }: ParsedBody, hint: string): Request {
  // `duplex` is demanded for streams and missing in the DOM's types.
  const init: RequestInit & { duplex: 'half' } = {
    method: req.method ?? 'GET',
    headers: headersOf(req),
    body: hasBody(req) ? rawBodyOf(req, body, rawBody, hint) : null,
    duplex: 'half',
  }
  return new Request(urlOf(req), init)
}

/** Says whether a request may bring a body that a `Request` may have. */
export function hasBody({ method, headers, httpVersionMajor }: NodeRequestLike): boolean {
  if (/^(?:get|head)$/i.test(method ?? 'GET')) return false
  // HTTP/2 says neither where the body ends without a length.
  return httpVersionMajor > 1 || headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0
}

/** Adds a header, unless `Headers` cannot hold it: no signature depends on such a one, and the others are to be judged. */
export function appendHeader(headers: Headers, name: string, value: string): void {
  try {
    headers.append(name, value)
  } catch {
    // Beyond U+00FF, as Lambda passes UTF-8 on, or a name that is no token.
  }
}

/** Makes a body that rejects whoever reads it. */
export function brokenBody(error: PosthornError): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.error(error) }, { highWaterMark: 0 })
}

function rawBodyOf(
  req: NodeRequestLike,
  body: unknown,
  rawBody: unknown,
  hint: string,
): string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> {
  // isView, not instanceof: test runners and VM contexts bring a Uint8Array of their own.
  const kept = [rawBody, body].find((value) => ArrayBuffer.isView(value))
  if (kept !== undefined) return new Uint8Array(kept.buffer, kept.byteOffset, kept.byteLength).slice()
  if (typeof rawBody === 'string') return rawBody
  if (!req.readableDidRead && !req.readableEnded) return streamOf(req)
  if (typeof body === 'string') return body
  return brokenBody(new PosthornError('RAW_BODY_REQUIRED', `The raw body is gone: something read it before. ${hint}`))
}

// By hand: Readable.toWeb would destroy the connection when its reader stops, and with it the answer.
function streamOf(req: NodeRequestLike): ReadableStream<Uint8Array> {
  let detach: (() => void) | undefined
  return new ReadableStream(
    {
      pull(controller) {
        if (req.destroyed) return controller.error(new Error('The connection was closed before the body was complete.'))
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

function attach(req: NodeRequestLike, controller: ReadableStreamDefaultController<Uint8Array>): () => void {
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
    controller.error(new Error('The connection was closed before the body was complete.'))
  }
  const detach = () => {
    req.off('data', onData)
    req.off('end', onEnd)
    req.off('close', onClose)
  }
  req.on('data', onData)
  req.on('end', onEnd)
  req.on('close', onClose)
  return detach
}

function headersOf({ rawHeaders }: NodeRequestLike): Headers {
  const headers = new Headers()
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    // HTTP/2 has method, path and host among the headers, with a colon in front.
    if (!name.startsWith(':')) appendHeader(headers, name, rawHeaders[index + 1] ?? '')
  }
  return headers
}

// The host is what the client claims: schemes that sign the URL are told the public one.
function urlOf({ originalUrl, url, headers }: NodeRequestLike): string {
  const target = originalUrl ?? url ?? '/'
  const host = [headers['host'] ?? headers[':authority']].flat()[0] ?? ''
  const origin = /^[\w.\-:[\]]+$/.test(host) && URL.canParse(`http://${host}`) ? `http://${host}` : 'http://localhost'
  return target.startsWith('/') && URL.canParse(origin + target) ? origin + target : origin
}

import type { Receiver } from '../receiver.ts'
import { hasBody, type NodeRequestLike, type ParsedBody, toFetchRequest } from './node-request.ts'

/** An answer in the form that Node's frameworks take. */
export interface NodeAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** A response of `node:http`, `node:http2` and what is built on them, as far as it is used. */
export interface NodeResponseLike {
  /** The status. */
  statusCode: number
  /** Sets a header. */
  setHeader(name: string, value: string): unknown
  /** Sends what is left and ends the response. */
  end(body: Uint8Array): unknown
}

const maxDiscardedBytes = 1_048_576
const maxDiscardMs = 1_000

/** Has the receiver answer a request of Node's. */
export async function exchange(
  receiver: Receiver,
  req: NodeRequestLike,
  parsed: ParsedBody,
  hint: string,
): Promise<NodeAnswer> {
  const request = openRequest(req, parsed, hint)
  const response = request === null ? new Response(null, { status: 400 }) : await receiver.fetch(request)
  const isRead = await discardRest(req)
  const headers = Object.fromEntries(response.headers)
  // HTTP/2 has no such header, and no need of it: only the stream ends.
  if (!isRead && req.httpVersionMajor === 1) headers['connection'] = 'close'
  return { status: response.status, headers, body: new Uint8Array(await response.arrayBuffer()) }
}

/** Writes an answer to a response of Node's. */
export function writeAnswer(res: NodeResponseLike, { status, headers, body }: NodeAnswer): void {
  res.statusCode = status
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  res.end(body)
}

// TRACE and CONNECT, which no Request can be, and headers that Node lets pass and fetch does not.
function openRequest(req: NodeRequestLike, parsed: ParsedBody, hint: string): Request | null {
  try {
    return toFetchRequest(req, parsed, hint)
  } catch {
    return null
  }
}

/**
 * Reads on to the end of a body that was turned away. A connection that is closed with bytes unread is reset, and a reset can overtake
 * the answer: the sender would see a broken connection instead of the 413. Says whether the end was reached in time.
 */
function discardRest(req: NodeRequestLike): Promise<boolean> {
  if (!hasBody(req) || req.readableEnded || req.destroyed) return Promise.resolve(true)
  return new Promise((resolve) => {
    let discardedBytes = 0
    const finish = (isRead: boolean) => {
      clearTimeout(timer)
      req.off('data', onData)
      req.off('end', onEnd)
      req.off('close', onEnd)
      req.pause()
      resolve(isRead)
    }
    const onData = ({ byteLength }: Uint8Array) => {
      discardedBytes += byteLength
      if (discardedBytes > maxDiscardedBytes) finish(false)
    }
    const onEnd = () => finish(true)
    const timer = setTimeout(() => finish(false), maxDiscardMs)
    req.on('data', onData)
    req.on('end', onEnd)
    req.on('close', onEnd)
    req.resume()
  })
}

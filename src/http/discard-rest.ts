import type { Readable } from 'node:stream'
import { hasBody, type NodeRequest } from './node-request.ts'
import type { NodeResponse } from './node-response.ts'

const maxDiscardedBytes = 1_048_576
const maxDiscardMs = 1_000

/**
 * Reads on to the end of a body that nobody wanted. A connection that is closed with bytes unread is reset, and a reset can overtake
 * the answer: the client would see a broken connection instead of the 413. What does not end in time gives up its connection, or
 * in HTTP/2 its stream.
 */
export function discardRest(req: NodeRequest, res: NodeResponse): Promise<void> {
  if (!hasBody(req) || req.readableEnded || req.destroyed) return Promise.resolve()
  const source: Readable = req
  return new Promise((resolve) => {
    let discardedBytes = 0
    const timer = setTimeout(finish, maxDiscardMs)
    const onData = (chunk: Uint8Array) => {
      discardedBytes += chunk.byteLength
      if (discardedBytes > maxDiscardedBytes) finish()
      // A clone of the request that nobody reads to its end pauses at every chunk.
      else req.resume()
    }
    function finish(): void {
      clearTimeout(timer)
      source.off('data', onData).off('end', finish).off('close', finish)
      req.pause()
      if (!req.readableEnded && !res.headersSent) giveUpRest(res)
      resolve()
    }
    source.on('data', onData).on('end', finish).on('close', finish)
    req.resume()
  })
}

function giveUpRest(res: NodeResponse): void {
  if ('stream' in res) res.stream.once('finish', () => res.stream.close())
  else res.setHeader('connection', 'close')
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { hasBody } from './node-request.ts'

const maxDiscardedBytes = 1_048_576
const maxDiscardMs = 1_000

/**
 * Reads on to the end of a body that nobody wanted. A connection that is closed with bytes unread is reset, and a reset can overtake
 * the answer: the client would see a broken connection instead of the 413. What does not end in time gives up its connection.
 */
export function discardRest(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (!hasBody(req) || req.readableEnded || req.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    let discardedBytes = 0
    const timer = setTimeout(finish, maxDiscardMs)
    const onData = (chunk: Uint8Array) => {
      discardedBytes += chunk.byteLength
      if (discardedBytes > maxDiscardedBytes) finish()
    }
    function finish(): void {
      clearTimeout(timer)
      req.off('data', onData).off('end', finish).off('close', finish)
      req.pause()
      if (!req.readableEnded && !res.headersSent) res.setHeader('connection', 'close')
      resolve()
    }
    req.on('data', onData).on('end', finish).on('close', finish)
    req.resume()
  })
}

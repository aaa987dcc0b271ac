import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Writable } from 'node:stream'

/** A response of `node:http` or `node:http2`. */
export type NodeResponse = ServerResponse | Http2ServerResponse

/** Writes the Fetch standard's response to Node's, no faster than the client reads. Resolves when all is handed over. */
export async function writeResponse(response: Response, res: NodeResponse): Promise<void> {
  if (isGone(res)) return await response.body?.cancel()
  res.statusCode = response.status
  for (const [name, value] of response.headers) {
    if (name !== 'set-cookie') res.setHeader(name, value)
  }
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) res.setHeader('set-cookie', cookies)
  if (res.req.method === 'HEAD') await response.body?.cancel()
  else if (response.body !== null) await writeBody(response.body, res)
  res.end()
}

/** Says whether nobody can be answered any more. */
export function isGone(res: NodeResponse): boolean {
  return 'stream' in res ? res.stream.destroyed || res.stream.closed : res.destroyed
}

async function writeBody(body: ReadableStream<Uint8Array>, res: NodeResponse): Promise<void> {
  const reader = body.getReader()
  const sink: Writable = res
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    if (isGone(res)) return await reader.cancel()
    if (!sink.write(value)) await drained(sink)
  }
}

function drained(sink: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      sink.off('drain', settle).off('close', settle)
      resolve()
    }
    sink.on('drain', settle).on('close', settle)
  })
}

import type { ServerResponse } from 'node:http'

/** Writes the Fetch standard's response to Node's, no faster than the client reads. Resolves when all is handed over. */
export async function writeResponse(response: Response, res: ServerResponse): Promise<void> {
  if (res.destroyed) return await response.body?.cancel()
  res.statusCode = response.status
  for (const [name, value] of response.headers) {
    if (name !== 'set-cookie') res.setHeader(name, value)
  }
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) res.setHeader('set-cookie', cookies)
  if (response.body !== null) await writeBody(response.body, res)
  res.end()
}

async function writeBody(body: ReadableStream<Uint8Array>, res: ServerResponse): Promise<void> {
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    if (res.destroyed) return await reader.cancel()
    if (!res.write(value)) await drained(res)
  }
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      res.off('drain', settle).off('close', settle)
      resolve()
    }
    res.on('drain', settle).on('close', settle)
  })
}

// The receiver: takes requests, answers 204 at once, counts. Under /hang it never answers.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from './serve.ts'

let count = 0
let delaysMs: number[] | null = null

const server = createServer((request, response) => {
  if (delaysMs !== null) void measure(request)
  else request.resume()
  if (request.url === '/hang') return
  request.on('end', () => {
    count++
    response.writeHead(204).end()
  })
})
// Keep-alive is as long as the run; an idle connection that is closed just when a request arrives would be a failure of the harness.
server.keepAliveTimeout = 600_000
server.requestTimeout = 0

serve({
  listen: async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server has an AddressInfo
  },
  /** Answers how many requests came since the last call. */
  takeCount: () => {
    const taken = count
    count = 0
    return taken
  },
  /** Begins to measure how long requests were under way, by the `at` in their body. */
  measureDelays: () => {
    delaysMs = []
  },
  /** Answers what was measured, in milliseconds, and begins anew. */
  takeDelays: () => {
    const taken = delaysMs ?? []
    delaysMs = []
    return taken
  },
})

// The monotonic clock of the machine is one for all processes.
async function measure(request: IncomingMessage): Promise<void> {
  const arrivedAt = process.hrtime.bigint()
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer) // no encoding is set
  const sentAt = /"at":"(\d+)"/.exec(Buffer.concat(chunks).toString())?.[1]
  if (sentAt !== undefined && request.url !== '/hang') delaysMs?.push(Number(arrivedAt - BigInt(sentAt)) / 1e6)
}

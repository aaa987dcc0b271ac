import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What came in for one event. */
export interface Tally {
  /** Requests in all. */
  requests: number
  /** Of these, answered 2xx. */
  succeeded: number
}

/** How a receiver behaves. */
export interface ReceiverOptions {
  /** The share of requests that are answered 503. */
  readonly failureRate: number
  /** How long to think about a request, in milliseconds; not at all unless given. */
  readonly delayMs?: () => number
  readonly random: () => number
}

/** A receiver on loopback that answers some requests 503 and counts every one by its `webhook-id`. */
export async function startReceiver(options: ReceiverOptions) {
  const tallies = new Map<string, Tally>()
  const answer = (tally: Tally, response: ServerResponse) => {
    // Whoever asked has died meanwhile, and was told nothing.
    if (response.destroyed) return
    const isFailure = options.random() < options.failureRate
    if (!isFailure) tally.succeeded++
    response.writeHead(isFailure ? 503 : 204).end()
  }
  const server = createServer((request, response) => {
    const id = String(request.headers['webhook-id'])
    const tally = tallies.get(id) ?? { requests: 0, succeeded: 0 }
    tallies.set(id, tally)
    request.resume()
    request.on('end', () => {
      tally.requests++
      const delayMs = options.delayMs?.() ?? 0
      if (delayMs === 0) answer(tally, response)
      else setTimeout(answer, delayMs, tally, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, // a TCP server has an AddressInfo
    tallies,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

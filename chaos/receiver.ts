import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What came in for one event. */
export interface Tally {
  /** Requests in all. */
  requests: number
  /** Of these, answered 2xx. */
  succeeded: number
}

/** A receiver on loopback that answers some requests 503 and counts every one by its `webhook-id`. */
export async function startReceiver(options: { readonly failureRate: number; readonly random: () => number }) {
  const tallies = new Map<string, Tally>()
  const server = createServer((request, response) => {
    const id = String(request.headers['webhook-id'])
    const tally = tallies.get(id) ?? { requests: 0, succeeded: 0 }
    tallies.set(id, tally)
    request.resume()
    request.on('end', () => {
      const isFailure = options.random() < options.failureRate
      tally.requests++
      if (!isFailure) tally.succeeded++
      response.writeHead(isFailure ? 503 : 204).end()
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

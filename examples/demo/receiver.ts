/**
 * The demo's receiver: a process of its own that believes a request only where both of its signatures fit. It answers by path (one
 * steadily, one at the third try, one never, one slowly) and tells the demo about each request before it answers.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSecret, ipaScheme, PosthornError, standardWebhooks, Verifier } from 'posthorn/verify'
import type { DemoFault } from './faults.ts'

/** What the receiver tells about one request. */
export interface ReceivedRequest {
  readonly path: string
  readonly eventId: string
  /** Why it was not believed, or null. */
  readonly rejectedBy: string | null
}

const fault = process.env['DEMO_FAULT'] as DemoFault | undefined // demo.ts has checked it
const secret = fault === 'secret' ? generateSecret() : process.env['WEBHOOK_SECRET']
const verifiers = [standardWebhooks, ipaScheme].map((scheme) => new Verifier({ secret, scheme }))

const answers = new Map<string, (tries: number) => number | Promise<number>>([
  ['/steady', () => 204],
  ['/flaky', (tries) => (tries < 3 && fault !== 'flaky' ? 503 : 204)],
  ['/failing', () => (fault === 'failing' ? 204 : 500)],
  ['/slow', async () => await sleep(200, 204)],
])
const triesByEvent = new Map<string, number>()

const server = createServer((request, response) => {
  receive(request, response).catch((error: unknown) => {
    console.error('The receiver could not answer.', error)
    response.destroy()
  })
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port }) // a TCP server has an AddressInfo
})
process.once('disconnect', () => process.exit()) // the demo is over

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url: path = '', headers } = request
  const body = await buffer(request).catch(() => null)
  if (body === null) return // the sender was killed before it had sent all

  const rejectedBy = await problemOf({ headers, body })
  const eventId = String(headers['webhook-id'])
  process.send?.({ path, eventId, rejectedBy } satisfies ReceivedRequest)

  if (fault === 'hang') return
  const tries = (triesByEvent.get(`${path} ${eventId}`) ?? 0) + 1
  triesByEvent.set(`${path} ${eventId}`, tries)
  const status = rejectedBy === null ? ((await answers.get(path)?.(tries)) ?? 404) : 401
  response.writeHead(status).end()
}

async function problemOf(request: Parameters<Verifier['verify']>[0]): Promise<string | null> {
  try {
    for (const verifier of verifiers) await verifier.verify(request)
    return null
  } catch (error) {
    if (error instanceof PosthornError) return error.code
    throw error
  }
}

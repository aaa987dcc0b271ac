import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request that a receiver got. */
export interface Received {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What a receiver answers: a status, or a status with headers and a body. */
export type Answer =
  number | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }

/** A real HTTP server on loopback that keeps what it gets and answers by script; `nth` counts its requests from 1, `port` tells connections apart. */
export async function startReceiver(
  answer: (received: Received, nth: number, port: number | undefined) => Answer | Promise<Answer> = () => 204,
  address = '127.0.0.1',
) {
  const received: Received[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const got = { url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() }
    received.push(got)
    const reply = await answer(got, received.length, request.socket.remotePort)
    const { status, headers, body } = typeof reply === 'number' ? { status: reply, headers: {}, body: '' } : reply
    response.writeHead(status, headers).end(body)
  }
  const server = createServer((request, response) => {
    // A sender that hangs up in the middle is part of some tests.
    serve(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  return {
    url: `http://${address}:${(server.address() as AddressInfo).port}/hook`, // a TCP server has an AddressInfo
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A promise with its resolve, for tests that decide when a receiver answers. */
export function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { open: () => open(), opened }
}

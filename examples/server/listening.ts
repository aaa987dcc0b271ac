import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Listens on this machine only; answers the origin. Port 0 takes a free one. */
export async function listen(server: Server, port: string): Promise<string> {
  server.listen(Number(port), '127.0.0.1')
  await once(server, 'listening').catch((cause: unknown) => {
    throw new Error(`Port ${port} cannot be listened on: choose others by PORT and RECEIVER_PORT.`, { cause })
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server has an AddressInfo
}

/** Takes no more requests and lets those under way end, for 2 s at most. */
export async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  const deadline = setTimeout(() => server.closeAllConnections(), 2_000)
  await closed
  clearTimeout(deadline)
}

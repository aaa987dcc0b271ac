import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** Listens on every address of this machine, or on the one given, and counts what reaches it: it must be nothing. */
export async function startForbiddenListener(address = '::', port = 0) {
  const reached = { connections: 0, bytes: 0 }
  const server = createServer((socket) => {
    reached.connections += 1
    socket.on('data', (chunk) => (reached.bytes += chunk.length))
    socket.on('error', () => {}) // whoever came may hang up
    setTimeout(() => socket.destroy(), 200).unref()
  })
  server.listen(port, address)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port, // a TCP server has an AddressInfo
    reached,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

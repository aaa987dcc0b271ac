import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Misbehaviour } from './misbehaviour.ts'

/** Starts a receiver that misbehaves, on loopback. */
export async function startMisbehaving({ tls, onConnection, onRequest }: Misbehaviour) {
  const open = new Set<Socket>()
  let requests = 0
  const track = (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => {}) // the sender hangs up on us, as it should
    socket.on('close', () => open.delete(socket))
  }
  const serve = (socket: Socket) => {
    onConnection?.(socket)
    if (socket.isPaused() || socket.destroyed) return
    socket.on('data', (chunk) => {
      const isRequest = tls === 'plain' || chunk.toString('latin1', 0, 5) === 'POST '
      if (!isRequest) return
      requests += 1
      onRequest?.(socket)
    })
  }
  const server = typeof tls === 'object' ? createTlsServer(tls) : createServer({ allowHalfOpen: true })
  server.on('connection', track)
  server.on(typeof tls === 'object' ? 'secureConnection' : 'connection', (socket: Socket) => {
    socket.on('error', () => {})
    serve(socket)
  })
  server.on('tlsClientError', () => {}) // the sender refuses us, as it should
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a TCP server has an AddressInfo
  return {
    url: tls === undefined ? `http://127.0.0.1:${port}/` : `https://receiver.example.com:${port}/`,
    /** Connections that the sender has not given up. */
    get open() {
      // One that does not read does not notice either.
      for (const socket of open) socket.resume()
      return [...open].filter((socket) => !socket.destroyed && !socket.readableEnded).length
    },
    get requests() {
      return requests
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

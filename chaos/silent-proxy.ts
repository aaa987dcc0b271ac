import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP proxy on loopback that can stop to forward and keep its connections open, as a firewall does that forgot them. */
export interface SilentProxy {
  readonly port: number
  /** Forwards nothing more, over old connections and new ones, and closes none. */
  silence(): void
  /** Forwards what comes over new connections; the silent ones stay silent for ever. */
  speak(): void
  /** Resets all connections and refuses new ones, as where nothing listens. */
  stop(): Promise<void>
  /** Listens again, on the same port. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** Starts a proxy in front of a TCP server. */
export async function startSilentProxy(target: { readonly host: string; readonly port: number }): Promise<SilentProxy> {
  const sockets = new Set<Socket>()
  let isSilent = false
  const server = createServer((client) => {
    keep(client)
    if (isSilent) return
    const upstream = connect(target.port, target.host)
    keep(upstream)
    client.pipe(upstream).pipe(client)
  })
  function keep(socket: Socket) {
    sockets.add(socket)
    socket.setNoDelay(true)
    // What the other end makes of its connection is what is watched here.
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  }
  async function listen(port: number): Promise<number> {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port // a TCP server has an AddressInfo
  }
  async function stop(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.resetAndDestroy()
    await closed
  }
  const port = await listen(0)
  return {
    port,
    silence: () => {
      isSilent = true
      for (const socket of sockets) socket.unpipe().pause()
    },
    speak: () => {
      isSilent = false
    },
    stop,
    restart: async () => void (await listen(port)),
    close: stop,
  }
}

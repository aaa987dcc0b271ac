import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

/** Counts the client sockets that this process makes, whoever makes them, until it is disposed of. */
export function openedSockets() {
  const sockets: Socket[] = []
  const onSocket = (message: unknown) => void sockets.push((message as { socket: Socket }).socket) // as Node documents it
  subscribe('net.client.socket', onSocket)
  return {
    sockets,
    [Symbol.dispose]() {
      unsubscribe('net.client.socket', onSocket)
    },
  }
}

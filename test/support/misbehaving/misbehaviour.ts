import type { Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'
import type { AttemptErrorCode } from 'posthorn'

/** One way in which a receiver misbehaves, at the level of its socket. */
export interface Misbehaviour {
  readonly name: string
  /** What attempts may meet: a status, or an error. */
  readonly meets: readonly (number | AttemptErrorCode)[]
  /** Whether it keeps the sender until its time is up. */
  readonly stalls?: true
  /** Done when somebody connects; with TLS, when it is agreed on. */
  readonly onConnection?: (socket: Socket) => void
  /** Done when the first bytes of each request come. */
  readonly onRequest?: (socket: Socket) => void
  /** Speaks TLS with these; `plain` lets the sender try TLS against a server that has none. */
  readonly tls?: TlsOptions | 'plain'
  /** How long the request's body is; 2 bytes unless given. */
  readonly bodyBytes?: number
  /** How many requests are made, all at once on as many connections as the sender likes, and as many again afterwards; one unless given. */
  readonly requests?: number
}

/** Writes the same text again and again, as fast as it is taken, or every so many milliseconds. */
export function repeat(socket: Socket, text: string | (() => string), everyMs = 0): void {
  const next = () => (typeof text === 'string' ? text : text())
  if (everyMs > 0) {
    const timer = setInterval(() => socket.write(next()), everyMs)
    socket.on('close', () => clearInterval(timer))
    return
  }
  const fill = () => {
    // A pause now and then, so that who floods leaves the others their turn.
    if (!socket.destroyed && socket.write(next())) setTimeout(fill, 1)
  }
  socket.on('drain', fill)
  fill()
}

/** An ordinary answer. */
export function answer(status: string, body = '', headers = ''): string {
  return `HTTP/1.1 ${status}\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`
}

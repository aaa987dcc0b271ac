import { EventEmitter, once } from 'node:events'
import { startChild } from './child.ts'
import type { ReceivedRequest } from './receiver.ts'

/** The receiver as the demo sees it. */
export interface ReceiverProcess {
  /** The origin that it listens on. */
  readonly url: string
  /** Every request that it got, in order. */
  readonly requests: readonly ReceivedRequest[]
  /** Resolves once a path has got `count` requests. */
  readonly arrival: (path: string, count: number) => Promise<void>
}

/** Starts the receiver and waits until it listens. */
export async function startReceiver(secret: string, signal: AbortSignal): Promise<ReceiverProcess> {
  const child = startChild('./receiver.ts', { env: { WEBHOOK_SECRET: secret }, signal })
  const requests: ReceivedRequest[] = []
  const arrived = new EventEmitter()
  const port = await new Promise<number>((resolve, reject) => {
    void child.ended.then((end) => reject(new Error(`The receiver ended early (${end}).`)))
    // What it sends is its port, then its requests: see receiver.ts.
    child.process.on('message', (message: { readonly port: number } | ReceivedRequest) => {
      if ('port' in message) return resolve(message.port)
      requests.push(message)
      arrived.emit('request')
    })
  })

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    arrival: async (path, count) => {
      while (requests.filter((request) => request.path === path).length < count) {
        await once(arrived, 'request', { signal })
      }
    },
  }
}

// Run by memory.test.ts in a process of its own: three times 10,000 dispatches to a loopback receiver, heap after each.
import { EventDispatcher } from '../../src/delivery/event-dispatcher.ts'
import { WebhookRegistry } from '../../src/registry/webhook-registry.ts'
import { memoryStorage } from '../../src/storage/memory/memory-storage.ts'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loopback } from '../support/loopback.ts'

let count = 0
const server = createServer((request, response) => {
  count++
  request.resume()
  request.on('end', () => response.writeHead(204).end())
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/` // a TCP server has an AddressInfo

const registry = new WebhookRegistry({ addresses: loopback, storage: memoryStorage({ maxFinished: 1000 }) })
const dispatcher = new EventDispatcher({ registry })
await registry.create({ name: 'load', url, events: ['*'], maxInFlight: 64 })
await dispatcher.start()

const received: number[] = []
const heapMiB: number[] = []
for (let run = 0; run < 3; run++) {
  count = 0
  for (let batch = 0; batch < 100; batch++) {
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => dispatcher.dispatch('load.sent', { text: 'x'.repeat(900), n })),
    )
    await dispatcher.drain()
  }
  received.push(count)
  globalThis.gc?.()
  await new Promise((resolve) => setImmediate(resolve))
  globalThis.gc?.()
  heapMiB.push(process.memoryUsage().heapUsed / 2 ** 20)
}
await dispatcher.stop()
server.closeAllConnections()
server.close()
console.log(JSON.stringify({ received, heapMiB }))

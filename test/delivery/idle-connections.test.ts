import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EventDispatcher, memoryStorage, WebhookRegistry } from 'posthorn'
import { expect, it } from 'vitest'
import { loopback } from '../support/loopback.ts'

// File descriptors are few, and each webhook may have had hundreds of connections open at once.
it(
  'an idle connection is closed after 30 seconds, for however long its receiver would keep it',
  { timeout: 60_000 },
  async () => {
    const server = createServer((_, response) => {
      response.writeHead(204, { 'keep-alive': 'timeout=600' }).end()
    })
    server.keepAliveTimeout = 600_000
    const closed = new Promise<number>((resolve) => {
      server.once('connection', (socket) => {
        const opened = performance.now()
        socket.once('close', () => resolve(performance.now() - opened))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const registry = new WebhookRegistry({ storage: memoryStorage(), addresses: loopback })
    const dispatcher = new EventDispatcher({ registry })
    const { port } = server.address() as AddressInfo // a TCP server has an AddressInfo
    await registry.create({ name: 'test', url: `http://127.0.0.1:${port}/`, events: ['*'] })
    await dispatcher.start()
    await dispatcher.dispatch('a.b', {})
    expect(await closed).toBeGreaterThan(5_000)
    await dispatcher.stop()
    await new Promise((resolve) => server.close(resolve))
  },
)

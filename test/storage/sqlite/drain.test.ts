import { describe, expect, it } from 'vitest'
import { EventDispatcher, WebhookRegistry } from 'posthorn'
import { sqliteStorage } from 'posthorn/sqlite'
import { loopback } from '../../support/loopback.ts'
import { startReceiver } from '../../support/receiver.ts'

describe('EventDispatcher.drain without start', () => {
  it('gets past more held-back webhooks than one claim may probe', async () => {
    await using receiver = await startReceiver()
    const storage = sqliteStorage(':memory:')
    const registry = new WebhookRegistry({ addresses: loopback, storage })
    const dispatcher = new EventDispatcher({ registry })
    for (let n = 0; n < 250; n++) {
      const { id } = await registry.create({ name: `${n}`, url: 'http://127.0.0.1:9/', events: ['gated.one'] })
      await storage.gate(id, 3_600_000)
    }
    await registry.create({ name: 'healthy', url: receiver.url, events: ['healthy.one'] })
    await dispatcher.dispatchMany([
      { type: 'gated.one', data: 1 },
      { type: 'healthy.one', data: 2 },
    ])
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(1)
    await dispatcher.stop()
    await storage.close()
  })
})

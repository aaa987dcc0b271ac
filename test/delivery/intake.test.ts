import { describe, expect, it } from 'vitest'
import { EventDispatcher, memoryStorage, WebhookRegistry } from 'posthorn'
import { loopback } from '../support/loopback.ts'
import { overriding } from '../support/overriding.ts'

describe('dispatches that come at once', () => {
  it('share a write, but no write grows past 2,000 rows', async () => {
    const writes: number[] = []
    const intact = memoryStorage()
    const storage = overriding(intact, {
      enqueue: (events, options) => {
        writes.push(events.reduce((rows, event) => rows + 1 + event.deliveries.length, 0))
        return intact.enqueue(events, options)
      },
    })
    const registry = new WebhookRegistry({ addresses: loopback, storage })
    const dispatcher = new EventDispatcher({ registry })
    for (let n = 0; n < 900; n++) {
      await registry.create({ name: `${n}`, url: 'http://127.0.0.1:9/', events: ['wide.one'] })
    }
    const wide = Array.from({ length: 5 }, (_, n) => dispatcher.dispatch('wide.one', n))
    await Promise.all(wide)
    expect(writes.reduce((sum, rows) => sum + rows, 0)).toBe(5 * 901)
    expect(Math.max(...writes)).toBeLessThanOrEqual(2000)
    writes.length = 0
    await Promise.all(Array.from({ length: 50 }, (_, n) => dispatcher.dispatch('narrow.one', n)))
    expect(writes.length).toBeLessThan(10)
  })
})

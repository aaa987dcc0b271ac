import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { loopback } from '../support/loopback.ts'
import { startReceiver } from '../support/receiver.ts'
import { bench, many } from './bullmq-fixture.ts'
import { majors } from './bullmq-majors.ts'
import { noRedis, privateRedis } from './redis-server.ts'

const subscribed = { name: 'a', events: ['order.*'], maxInFlight: 64 }
const patient = { timeout: 15_000 }

describe.each(majors)('bullmqTransport on $name, without a Redis to rely on', { skip: noRedis }, ({ bullmq }) => {
  it('loses nothing to FLUSHALL in the middle of a run', { timeout: 30_000 }, async () => {
    await using receiver = await startReceiver()
    const redis = await privateRedis()
    await redis.start()
    const { dispatcher, registry, storage } = bench({ bullmq, connection: redis.connection })
    await registry.create({ ...subscribed, url: receiver.url })
    const web = dispatcher()
    for (const _ of [1, 2]) await dispatcher({ pollIntervalMs: 100, concurrency: 8 }).start()
    let accepted = 0
    const flushed: string[] = []
    for (let batch = 0; batch < 20; batch++) {
      const results = await web.dispatchMany(many(25))
      accepted += results.length
      await new Promise((resolve) => setImmediate(resolve))
      if (batch % 4 === 1) flushed.push(await redis.command('FLUSHALL'))
    }
    expect(flushed).toEqual(Array<string>(5).fill('+OK\r\n'))
    await expect.poll(() => receiver.received.length, patient).toBe(accepted)
    await expect.poll(() => storage.stats({}), patient).toMatchObject({ ready: 0, waiting: 0, leased: 0 })
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(500)
  })

  it('starts, dispatches and delivers where Redis is away, says so once, and stops soon', async () => {
    await using receiver = await startReceiver()
    const { connection } = await privateRedis()
    const { dispatcher, registry, errors } = bench({ bullmq, connection })
    await registry.create({ ...subscribed, url: receiver.url })
    const worker = dispatcher({ pollIntervalMs: 50 })
    const startedAt = performance.now()
    await worker.start()
    await worker.dispatchMany(many(10))
    expect(performance.now() - startedAt).toBeLessThan(1000)
    await expect.poll(() => receiver.received.length, patient).toBe(10)
    const sides = ['publishing', 'taking'].map((side) => `bullmq: connection for ${side}`)
    await expect.poll(() => sides.every((side) => errors.some((error) => error.startsWith(side))), patient).toBe(true)
    const refused = errors.filter((error) => error.includes('ECONNREFUSED'))
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeLessThanOrEqual(2)
    const stoppedAt = performance.now()
    await worker.stop()
    expect(performance.now() - stoppedAt).toBeLessThan(6000)
  })

  it('goes on when Redis dies and when it comes back', { timeout: 40_000 }, async () => {
    await using receiver = await startReceiver()
    const redis = await privateRedis()
    await redis.start()
    const { dispatcher, registry, errors } = bench({ bullmq, connection: redis.connection })
    await registry.create({ ...subscribed, url: receiver.url })
    const web = dispatcher()
    const worker = dispatcher({ pollIntervalMs: 200 })
    await worker.start()
    await web.dispatchMany(many(10))
    await expect.poll(() => receiver.received.length, patient).toBe(10)
    await redis.kill()
    await web.dispatchMany(many(10))
    await expect.poll(() => receiver.received.length, patient).toBe(20)
    await expect.poll(() => errors.length, patient).toBeGreaterThan(0)
    await redis.start()
    await expect.poll(() => redis.command('KEYS *'), patient).toContain(':completed')
    await web.dispatchMany(many(10))
    await expect.poll(() => receiver.received.length, patient).toBe(30)
  })

  it('stops soon where Redis died meanwhile', async () => {
    await using receiver = await startReceiver()
    const redis = await privateRedis()
    await redis.start()
    const { dispatcher, registry } = bench({ bullmq, connection: redis.connection })
    await registry.create({ ...subscribed, url: receiver.url })
    const worker = dispatcher()
    await worker.start()
    await worker.dispatch('order.paid', {})
    await expect.poll(() => receiver.received.length, patient).toBe(1)
    await redis.kill()
    await worker.dispatchMany(many(10))
    const stoppedAt = performance.now()
    await worker.stop()
    expect(performance.now() - stoppedAt).toBeLessThan(8000)
  })
})

// Node 20 does not strip types.
const canStripTypes = process.features.typescript !== false && process.features.typescript !== undefined

describe.skipIf(noRedis || !canStripTypes)('a process with a bullmqTransport', () => {
  const source = (path: string) => new URL(`../../src/${path}`, import.meta.url).pathname

  it('ends by itself after a stop, with Redis away too', { timeout: 30_000 }, async () => {
    const redis = await privateRedis()
    await redis.start()
    const program = `
      import { EventDispatcher } from '${source('delivery/event-dispatcher.ts')}'
      import { WebhookRegistry } from '${source('registry/webhook-registry.ts')}'
      import { memoryStorage } from '${source('storage/memory/memory-storage.ts')}'
      import { bullmqTransport } from '${source('transport/bullmq-transport.ts')}'
      const registry = new WebhookRegistry({ storage: memoryStorage(), addresses: ${JSON.stringify(loopback)} })
      const transport = bullmqTransport({ connection: { host: '127.0.0.1', port: ${redis.connection.port} } })
      const dispatcher = new EventDispatcher({ registry, transport, retry: { retries: 0 } })
      await registry.create({ name: 'a', url: 'http://127.0.0.1:9/', events: ['*'] })
      dispatcher.on('worker.error', () => {})
      await dispatcher.start()
      await dispatcher.dispatch('a.b', {})
      dispatcher.on('delivery.failed', () => console.log('failed'))
      process.stdin.once('data', async () => {
        await dispatcher.dispatch('a.b', {})
        await dispatcher.stop()
        console.log('stopped')
        process.stdin.destroy()
      })
    `
    const flags = ['--conditions=posthorn-source', '--no-warnings', '--input-type=module-typescript', '--eval', program]
    const child = spawn(process.execPath, flags, { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    await redis.kill()
    const askedAt = performance.now()
    child.stdin.write('stop\n')
    expect((await once(child, 'exit'))[0]).toBe(0)
    expect(performance.now() - askedAt).toBeLessThan(10_000)
  })
})

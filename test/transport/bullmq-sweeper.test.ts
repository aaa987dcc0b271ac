import { newId } from '../../src/registry/id.ts'
import type { Hint } from 'posthorn'
import { describe, expect, it } from 'vitest'
import { gate, startReceiver } from '../support/receiver.ts'
import { bench, many } from './bullmq-fixture.ts'
import { majors } from './bullmq-majors.ts'
import { noRedis, privateRedis } from './redis-server.ts'

const subscribed = { name: 'a', events: ['order.*'], maxInFlight: 64 }
const patient = { timeout: 15_000 }

describe.each(majors)('the sweeper with a bullmqTransport on $name', { skip: noRedis }, ({ bullmq }) => {
  it('makes jobs again of what FLUSHALL took, which others take', { timeout: 30_000 }, async () => {
    const held = gate()
    await using receiver = await startReceiver(async () => (await held.opened, 204))
    const redis = await privateRedis()
    await redis.start()
    const { dispatcher, registry, look, errors } = bench({ bullmq, connection: redis.connection })
    const queue = look()
    await registry.create({ ...subscribed, url: receiver.url })
    const web = dispatcher()
    await web.dispatchMany(many(20))
    await expect.poll(() => queue.getWaitingCount(), patient).toBe(20)
    expect(await redis.command('FLUSHALL')).toBe('+OK\r\n')
    const busy = dispatcher({ pollIntervalMs: 100, concurrency: 1 })
    await busy.start()
    await expect.poll(() => queue.getJobCounts('waiting', 'active'), patient).toMatchObject({ waiting: 19, active: 1 })
    const { data } = await web.listDeliveries({ limit: 20 })
    const ids = data.map(({ id }) => `${id}_sweep`)
    const jobs = await queue.getJobs(['waiting', 'active'])
    expect(jobs.map(({ id }) => String(id)).toSorted()).toEqual(ids.toSorted())
    let byOther = 0
    const other = dispatcher({ concurrency: 32 })
    other.on('delivery.succeeded', () => byOther++)
    await other.start()
    await expect.poll(() => receiver.received.length, patient).toBe(20)
    held.open()
    await expect.poll(() => byOther, patient).toBe(19)
    await expect.poll(() => queue.getJobCountByTypes('waiting', 'active', 'completed'), patient).toBe(0)
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(20)
    expect(errors).toEqual([])
  })

  it('has one job for each delivery, whoever publishes it how often, and another once that has ended', async () => {
    const { transport, look } = bench({ bullmq })
    const queue = look()
    const [id, none] = [newId(), () => undefined]
    const hint: Hint = { deliveryId: id, key: `${id}_sweep`, delayMs: 0, isRepeat: true }
    const publishers = [transport(), transport()].map((each) => each.connect({ onError: none }))
    for (const publisher of [...publishers, ...publishers]) await publisher.publish([hint, hint])
    expect(await queue.getJobCounts('waiting')).toMatchObject({ waiting: 1 })
    const taken: unknown[] = []
    const receive = async (deliveryId: unknown) => {
      taken.push(deliveryId)
      // While it is under way it counts too.
      await publishers[0]?.publish([hint])
      if (taken.length === 2) throw new Error('storage is away')
      return 'undue'
    }
    const subscription = transport().subscribe({ concurrency: 1, receive, onError: none })
    for (let times = 1; times <= 3; times++) {
      await expect.poll(() => queue.getJobCountByTypes('waiting', 'active', 'completed', 'failed'), patient).toBe(0)
      expect(taken).toEqual(Array<string>(times).fill(id))
      await publishers[1]?.publish([hint])
      await expect.poll(() => taken.length, patient).toBe(times + 1)
    }
    subscription.end()
    for (const each of [...publishers, subscription]) await each.close()
  })

  it('publishes nothing where hints arrive', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, registry, look, storage } = bench({ bullmq })
    const queue = look()
    await registry.create({ ...subscribed, url: receiver.url })
    let found = 0
    let sweeps = 0
    const overdue = storage.overdue.bind(storage)
    storage.overdue = async (query) => {
      const ids = await overdue(query)
      sweeps++
      found += ids.length
      return ids
    }
    const worker = dispatcher({ pollIntervalMs: 1000 })
    await worker.start()
    for (let batch = 0; sweeps < 3; batch++) {
      await worker.dispatch('order.paid', {})
      await expect.poll(() => receiver.received.length, { ...patient, interval: 10 }).toBe(batch + 1)
    }
    expect(found).toBe(0)
    await expect.poll(() => queue.getCompletedCount(), patient).toBe(receiver.received.length)
  })
})

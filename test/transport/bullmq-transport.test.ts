import type { EventDispatcher } from 'posthorn'
import { newId } from '../../src/registry/id.ts'
import { describe, expect, it } from 'vitest'
import { gate, startReceiver } from '../support/receiver.ts'
import { bench, many } from './bullmq-fixture.ts'
import { majors } from './bullmq-majors.ts'
import { noRedis, redisUrl } from './redis-server.ts'

const subscribed = { name: 'a', events: ['order.*'] }
const patient = { timeout: 15_000 }

/** Starts a dispatcher whose first sweep is over, so that it is the hints that are seen. */
async function started(dispatcher: EventDispatcher): Promise<EventDispatcher> {
  await dispatcher.start()
  await dispatcher.drain()
  return dispatcher
}

describe.each(majors)('bullmqTransport on $name', { skip: noRedis }, ({ bullmq }) => {
  it('has a delivery made by whoever takes its job, which tells what became of it', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, registry, look, errors } = bench({ bullmq })
    const queue = look()
    await registry.create({ ...subscribed, url: receiver.url })
    const web = dispatcher()
    const worker = dispatcher()
    await started(worker)
    const { eventId } = await web.dispatch('order.paid', { total: 5 })
    await expect.poll(() => queue.getCompleted(), patient).toHaveLength(1)
    expect(receiver.received[0]?.headers['webhook-id']).toBe(eventId)
    const [job] = await queue.getCompleted()
    const { data } = await web.listDeliveries()
    expect(job).toMatchObject({ name: 'delivery', id: data[0]?.id, returnvalue: 'succeeded' })
    expect(job?.data).toEqual({ deliveryId: data[0]?.id })
    expect(data).toMatchObject([{ state: 'succeeded', attemptCount: 1 }])
    expect(errors).toEqual([])
  })

  it('makes jobs of what a started dispatcher dispatches too, but not of a test', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, registry, look } = bench({ bullmq })
    const queue = look()
    const webhook = await registry.create({ ...subscribed, url: receiver.url })
    const both = dispatcher()
    await both.start()
    expect(await both.test(webhook.id)).toMatchObject({ state: 'succeeded' })
    await both.dispatchMany(many(5))
    await expect.poll(() => queue.getCompletedCount(), patient).toBe(5)
    expect(receiver.received).toHaveLength(6)
  })

  it('does nothing for hints that are repeated, out of date or unknown', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, registry, look, errors } = bench({ bullmq })
    const queue = look()
    await registry.create({ ...subscribed, url: receiver.url })
    const worker = await started(dispatcher())
    await queue.pause()
    await worker.dispatch('order.paid', {})
    const [delivery] = (await worker.listDeliveries()).data
    const hint = { name: 'delivery', data: { deliveryId: delivery?.id } }
    await queue.addBulk([hint, hint, hint, { name: 'delivery', data: { deliveryId: newId() } }])
    await queue.resume()
    await expect.poll(() => queue.getCompletedCount(), patient).toBe(5)
    await queue.add('delivery', { deliveryId: delivery?.id })
    await expect.poll(() => queue.getCompletedCount(), patient).toBe(6)
    const returned = (await queue.getCompleted()).map(({ returnvalue }) => String(returnvalue))
    expect(returned.toSorted()).toEqual(['succeeded', ...Array<string>(5).fill('undue')])
    expect(receiver.received).toHaveLength(1)
    expect(errors).toEqual([])
  })

  it('fails jobs that are no hints, says so, and goes on', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, registry, look, errors } = bench({ bullmq })
    const queue = look()
    await registry.create({ ...subscribed, url: receiver.url })
    const bad = [null, 'text', 5, [], {}, { deliveryId: 5 }, { deliveryId: "x'; --" }, { deliveryId: { id: newId() } }]
    await queue.addBulk(bad.map((data) => ({ name: 'mine', data })))
    const worker = dispatcher({ concurrency: 2 })
    await worker.start()
    await expect.poll(() => queue.getFailedCount(), patient).toBe(bad.length)
    expect((await queue.getFailed())[0]?.failedReason).toContain('no delivery id')
    expect(errors.filter((error) => error.startsWith('bullmq: take a hint')).length).toBeGreaterThan(0)
    await worker.dispatch('order.paid', {})
    await expect.poll(() => receiver.received.length, patient).toBe(1)
  })

  it('publishes one hint for one occasion, however often it is asked to', async () => {
    const { transport, look } = bench({ bullmq })
    const queue = look()
    const publisher = transport().connect({ onError: () => undefined })
    const hint = { deliveryId: newId(), key: 'a:b:c:1', delayMs: 0 }
    await publisher.publish([hint, hint])
    await publisher.publish([hint])
    await publisher.publish([{ ...hint, key: 'late', delayMs: 3_600_000 }])
    await publisher.close()
    expect(await queue.getJobCounts('waiting', 'delayed')).toMatchObject({ waiting: 1, delayed: 0 })
    expect((await queue.getWaiting())[0]?.id).toBe('a_b_c_1')
  })

  it('makes the next attempt of the schedule by a delayed job', async () => {
    await using receiver = await startReceiver((_, nth) => (nth === 1 ? 503 : 204))
    const { dispatcher, registry, look } = bench({ bullmq })
    const queue = look()
    await registry.create({ ...subscribed, url: receiver.url })
    const worker = await started(dispatcher({ retry: { retries: 0 }, schedule: [200] }))
    await worker.dispatch('order.paid', {})
    await expect.poll(() => queue.getCompletedCount(), patient).toBe(2)
    const jobs = await queue.getCompleted()
    expect(jobs.map(({ returnvalue }) => String(returnvalue)).toSorted()).toEqual(['pending', 'succeeded'])
    expect(jobs.filter(({ opts }) => (opts.delay ?? 0) >= 200)).toHaveLength(1)
    expect((await worker.listDeliveries()).data).toMatchObject([{ state: 'succeeded', attemptCount: 2 }])
  })

  it('delivers again what is sent again', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, registry } = bench({ bullmq })
    await registry.create({ ...subscribed, url: receiver.url })
    const web = dispatcher()
    await started(dispatcher())
    await web.dispatch('order.paid', {})
    await expect.poll(async () => (await web.listDeliveries({ state: 'succeeded' })).data, patient).toHaveLength(1)
    const [delivery] = (await web.listDeliveries()).data
    await web.resend(delivery?.id ?? '')
    await expect.poll(() => receiver.received.length, patient).toBe(2)
  })

  it('goes on with a webhook that was at its cap when its hints came, without the sweeper', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, registry } = bench({ bullmq })
    await registry.create({ ...subscribed, url: receiver.url, maxInFlight: 2 })
    await started(dispatcher())
    await dispatcher().dispatchMany(many(60))
    await expect.poll(() => receiver.received.length, patient).toBe(60)
  })

  it('holds no hint while a delivery waits for the next attempt of its round', async () => {
    await using receiver = await startReceiver(({ url }) => (url.endsWith('dead') ? 500 : 204))
    const { dispatcher, registry, look } = bench({ bullmq })
    const queue = look()
    await registry.create({ ...subscribed, url: `${receiver.url}/dead` })
    const retry = { retries: 1, minTimeout: 15_000, randomize: false }
    const worker = await started(dispatcher({ concurrency: 1, retry }))
    await worker.dispatch('order.paid', {})
    await expect.poll(async () => (await queue.getCompleted())[0]?.returnvalue, patient).toBe('waiting')
    await registry.create({ name: 'b', events: ['refund.*'], url: receiver.url })
    await worker.dispatch('refund.made', {})
    await expect.poll(() => receiver.received.length, patient).toBe(2)
  })

  it('holds back everything while the queue is paused, the sweeper too', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, registry, look, storage } = bench({ bullmq })
    const queue = look()
    await registry.create({ ...subscribed, url: receiver.url })
    await queue.pause()
    let looks = 0
    const [claim, overdue] = [storage.claim.bind(storage), storage.overdue.bind(storage)]
    storage.claim = async (query) => (looks++, await claim(query))
    storage.overdue = async (query) => (looks++, await overdue(query))
    const worker = dispatcher({ pollIntervalMs: 10 })
    await worker.start()
    await worker.dispatchMany(many(3))
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect([receiver.received.length, looks]).toEqual([0, 0])
    await queue.resume()
    await expect.poll(() => receiver.received.length, patient).toBe(3)
  })

  it('finds by sweeping what no hint told of', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, registry, look } = bench({ bullmq })
    const queue = look()
    await registry.create({ ...subscribed, url: receiver.url })
    const web = dispatcher()
    await web.dispatchMany(many(150))
    await expect.poll(() => queue.getWaitingCount(), patient).toBe(150)
    await queue.obliterate({ force: true })
    const worker = dispatcher({ pollIntervalMs: 50 })
    await worker.start()
    await expect.poll(() => receiver.received.length, patient).toBe(150)
    await worker.drain()
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(150)
  })

  it('loses nothing and repeats nothing when a worker is stopped under load, and hands on what it had', async () => {
    const full = gate()
    await using receiver = await startReceiver(async (_, nth) => {
      if (nth === 20) full.open()
      await new Promise((resolve) => setTimeout(resolve, 5))
      return 204
    })
    const { dispatcher, registry, storage, errors } = bench({ bullmq })
    await registry.create({ ...subscribed, url: receiver.url, maxInFlight: 64 })
    const [first, second] = [dispatcher({ concurrency: 16 }), dispatcher({ concurrency: 16 })]
    await first.start()
    await first.dispatchMany(many(300))
    await full.opened
    await first.stop()
    expect(await storage.stats({})).toMatchObject({ leased: 0 })
    const before = receiver.received.length
    expect(before).toBeLessThan(300)
    await second.start()
    await expect.poll(() => receiver.received.length, patient).toBe(300)
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(300)
    expect(errors).toEqual([])
  })

  it('starts again after a stop', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, registry } = bench({ bullmq })
    await registry.create({ ...subscribed, url: receiver.url })
    const worker = dispatcher()
    for (const expected of [1, 2]) {
      await worker.start()
      await worker.dispatch('order.paid', {})
      await expect.poll(() => receiver.received.length, patient).toBe(expected)
      await worker.stop()
    }
  })

  it("uses a client of the caller's and leaves it open", async () => {
    const { Redis } = await import('ioredis')
    const client = new Redis(redisUrl, { maxRetriesPerRequest: null })
    await using receiver = await startReceiver()
    const { dispatcher, registry } = bench({ bullmq, connection: client })
    await registry.create({ ...subscribed, url: receiver.url })
    const worker = dispatcher()
    await worker.start()
    await worker.dispatch('order.paid', {})
    await expect.poll(() => receiver.received.length, patient).toBe(1)
    await worker.stop()
    expect(await client.ping()).toBe('PONG')
    await client.quit()
  })

  it('keeps as many finished jobs as it is told to, below its prefix', async () => {
    await using receiver = await startReceiver()
    const { dispatcher, registry, look } = bench({ bullmq, keepJobs: 3, prefix: '{posthorn-test}' })
    const queue = look()
    await registry.create({ ...subscribed, url: receiver.url })
    const worker = dispatcher()
    await worker.start()
    await worker.dispatchMany(many(20))
    await expect.poll(() => receiver.received.length, patient).toBe(20)
    await expect.poll(() => queue.getCompletedCount(), patient).toBe(3)
  })
})

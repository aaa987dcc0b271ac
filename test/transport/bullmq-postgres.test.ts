import { Pool } from 'pg'
import { EventDispatcher, WebhookRegistry } from 'posthorn'
import { loopback } from '../support/loopback.ts'
import { postgresStorage } from 'posthorn/postgres'
import { beforeAll, describe, expect, it } from 'vitest'
import { serverUrl } from '../storage/postgres/server.ts'
import { createTestDatabase, noServer, type TestDatabase } from '../storage/postgres/test-database.ts'
import { gate, startReceiver } from '../support/receiver.ts'
import { bench, many } from './bullmq-fixture.ts'
import { majors } from './bullmq-majors.ts'
import { noRedis } from './redis-server.ts'

const patient = { timeout: 20_000 }

describe.each(majors)(
  'bullmqTransport on $name, over Postgres',
  { skip: noRedis || noServer, timeout: 40_000 },
  ({ bullmq }) => {
    let database: TestDatabase
    beforeAll(async () => {
      database = await createTestDatabase()
      return database.drop
    })

    it('shares the work of one queue between dispatchers, each with a pool of its own', async () => {
      await using receiver = await startReceiver()
      const { dispatcher, registry, look, errors, transport } = bench({ bullmq, storage: database.storage() })
      const queue = look()
      await registry.create({ name: 'a', url: receiver.url, events: ['*'], maxInFlight: 64 })
      const pool = new Pool({ connectionString: serverUrl, max: 4 })
      const others = new WebhookRegistry({
        storage: postgresStorage(pool, { schema: database.schema }),
        addresses: loopback,
      })
      const first = dispatcher({ concurrency: 8 })
      const second = new EventDispatcher({
        registry: others,
        transport: transport(),
        pollIntervalMs: 60_000,
        concurrency: 8,
      })
      const counts = [0, 0]
      first.on('delivery.succeeded', () => counts[0]!++)
      second.on('delivery.succeeded', () => counts[1]!++)
      await Promise.all([first.start(), second.start()])
      await Promise.all([first.drain(), second.drain()])
      const web = dispatcher()
      for (let batch = 0; batch < 10; batch++) await web.dispatchMany(many(30))
      await expect.poll(() => receiver.received.length, patient).toBe(300)
      await expect.poll(() => queue.getCompletedCount(), patient).toBe(300)
      expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(300)
      expect(Math.min(...counts)).toBeGreaterThan(30)
      expect(await database.storage().stats({})).toMatchObject({ ready: 0, waiting: 0, leased: 0 })
      expect(errors).toEqual([])
      await second.stop()
      await pool.end()
    })

    it("has the sweeper make a job of what a caller's transaction wrote, after its commit", async () => {
      const held = gate()
      await using receiver = await startReceiver(async (_, nth) => (nth === 1 && (await held.opened), 204))
      const storage = database.storage()
      const { dispatcher, registry, look } = bench({ bullmq, storage })
      const queue = look()
      await registry.create({ name: 'tx', url: receiver.url, events: ['order.*'] }, { tenantId: 'tx' })
      const worker = dispatcher({ pollIntervalMs: 100, concurrency: 1 })
      await worker.start()
      // Busy, so that the job is seen before it is taken.
      await worker.dispatch('order.paid', {}, { tenantId: 'tx' })
      await expect.poll(() => receiver.received.length, patient).toBe(1)
      const pool = new Pool({ connectionString: serverUrl, max: 1 })
      const tx = await pool.connect()
      await tx.query('BEGIN')
      await worker.dispatch('order.paid', {}, { tx, tenantId: 'tx' })
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(await queue.getWaitingCount()).toBe(0)
      await tx.query('COMMIT')
      const { data } = await worker.listDeliveries({ tenantId: 'tx', limit: 1 })
      const jobIds = async () => (await queue.getWaiting()).map(({ id }) => id)
      await expect.poll(jobIds, patient).toEqual([`${data[0]?.id}_sweep`])
      held.open()
      await expect.poll(() => receiver.received.length, patient).toBe(2)
      // It leaves no trace, so that the next one of its delivery counts.
      await expect.poll(() => queue.getJobCountByTypes('waiting', 'completed', 'delayed', 'active'), patient).toBe(1)
      tx.release()
      await pool.end()
    })
  },
)

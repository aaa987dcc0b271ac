import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Storage } from '../../../src/storage/storage.ts'
import { manualClock } from '../../support/clock.ts'
import { newAttempt, newEvent, newWebhook, tenantId } from '../sqlite/rows.ts'
import { clients, createTestDatabase, type TestDatabase } from './test-database.ts'

const hour = 3_600_000

for (const { name, isSkipped, connect } of clients.filter((client) => client.name !== 'postgres.js')) {
  describe.skipIf(isSkipped)(`postgresStorage on ${name} when the server's clock steps`, () => {
    let database: TestDatabase
    let clock: ReturnType<typeof manualClock>
    let storage: Storage
    beforeAll(async () => {
      database = await createTestDatabase(connect)
      return database.drop
    })
    beforeEach(async () => {
      clock = manualClock()
      storage = database.emptyStorage({ clock: clock.now, lookEveryMs: 0 })
      await storage.open()
    })

    // Looks are made in passing, and seen by what comes after.
    const look = async (opened = storage) => {
      for (let calls = 0; calls < 5; calls++) await opened.stats({})
    }
    const nextDueInMs = async (opened = storage) => (await opened.claim({ limit: 1, leaseMs: 30_000 })).nextDueInMs

    it('back, delivers what waits and frees what a dead holder leased when it was to be', async () => {
      const webhook = newWebhook()
      await storage.insertWebhook(webhook)
      await storage.enqueue([newEvent([webhook]), newEvent([webhook], { delayMs: 60_000 })])
      const [dead] = (await storage.claim({ limit: 1, leaseMs: 30_000 })).claimed
      await look()
      clock.advance(-2 * hour)
      await look()
      expect(await storage.renew([dead!], 30_000)).toEqual([dead!.id])
      expect(await nextDueInMs()).toBe(30_000)
      clock.advance(30_000)
      expect((await storage.claim({ limit: 2, leaseMs: 90_000 })).claimed).toMatchObject([{ id: dead!.id }])
      clock.advance(30_000)
      expect((await storage.claim({ limit: 2, leaseMs: 30_000 })).claimed).toHaveLength(1)
    })

    it('back, tells people the time of the clock', async () => {
      const webhook = newWebhook()
      await storage.insertWebhook(webhook)
      await look()
      clock.advance(-2 * hour)
      await look()
      const event = newEvent([webhook], { delayMs: 60_000 })
      await storage.enqueue([event])
      const id = event.deliveries[0]!.id
      const now = new Date(clock.now())
      expect(await storage.getDelivery(id, tenantId)).toMatchObject({
        dueAt: new Date(clock.now() + 60_000),
        createdAt: now,
      })
      expect((await storage.getEvent(event.id, tenantId))?.createdAt).toEqual(now)
      const claimFor = { limit: 1, leaseMs: 30_000 }
      const [held] = (await storage.enqueue([newEvent([webhook])], { claimFor })).claimed
      expect(held?.event.createdAt).toEqual(now)
      await storage.settle([{ id: held!.id, lease: held!.lease, outcome: 'succeeded', attempt: newAttempt(1) }])
      expect((await storage.getDelivery(held!.id, tenantId))?.finishedAt).toEqual(now)
    })

    it('back, has all processes go by the same time, those that start later too', async () => {
      const webhook = newWebhook()
      await storage.insertWebhook(webhook)
      await storage.enqueue([newEvent([webhook], { delayMs: 60_000 })])
      const other = database.storage({ clock: clock.now, lookEveryMs: 0 })
      await other.open()
      clock.advance(-2 * hour)
      await look()
      await look(other)
      const later = database.storage({ clock: clock.now })
      for (const each of [storage, other, later]) expect(await nextDueInMs(each)).toBe(60_000)
    })

    it('forward and back again, has everything due at once and nothing stuck', async () => {
      const webhook = newWebhook()
      await storage.insertWebhook(webhook)
      await storage.enqueue([newEvent([webhook], { delayMs: 24 * hour })])
      clock.advance(25 * hour)
      await look()
      expect((await storage.claim({ limit: 1, leaseMs: 30_000 })).claimed).toHaveLength(1)
      clock.advance(-25 * hour)
      await look()
      expect(await nextDueInMs()).toBe(30_000)
    })
  })
}

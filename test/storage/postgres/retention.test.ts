import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Storage } from '../../../src/storage/storage.ts'
import { newEvent, newWebhook, tenantId } from '../sqlite/rows.ts'
import { clients, createTestDatabase, type TestDatabase } from './test-database.ts'

for (const { name: clientName, isSkipped, connect } of clients) {
  describe.skipIf(isSkipped)(`retention of postgresStorage on ${clientName}`, () => {
    let database: TestDatabase
    let storage: Storage
    let nowMs: number
    beforeAll(async () => {
      database = await createTestDatabase(connect)
      return database.drop
    })
    beforeEach(async () => {
      nowMs = Date.UTC(2026, 0, 1)
      storage = database.emptyStorage({ clock: () => nowMs })
      await storage.open()
    })

    it('forgets expired idempotency keys, with new keys and with purge', async () => {
      const countKeys = async () => {
        const [row] = await database.query(`SELECT count(*)::integer AS count FROM ${database.schema}.idempotency`)
        return row?.['count']
      }
      const enqueueKeys = (count: number, name: string) =>
        storage.enqueue(
          Array.from({ length: count }, (_, index) =>
            newEvent([], { idempotencyKey: `${name}-${index}`, bodyHash: 'hash', idempotencyTtlMs: 1000 }),
          ),
        )
      await enqueueKeys(20, 'old')
      nowMs += 500
      await enqueueKeys(10, 'live')
      expect(await countKeys()).toBe(30)
      nowMs += 500
      await enqueueKeys(2, 'new')
      expect(await countKeys()).toBe(24)
      // A key that has expired and is used again is no conflict with its own removal.
      expect((await enqueueKeys(20, 'old')).results.every(({ status }) => status === 'accepted')).toBe(true)
      expect(await countKeys()).toBe(32)
      nowMs += 500
      await storage.purge({ limit: 4 })
      expect(await countKeys()).toBe(28)
      await storage.purge({ limit: 100 })
      expect(await countKeys()).toBe(22)
    })

    it('passes a bounded number of events that have to stay, and goes on behind them', async () => {
      const webhook = newWebhook()
      await storage.insertWebhook(webhook)
      await storage.enqueue(Array.from({ length: 1500 }, () => newEvent([webhook])))
      await storage.enqueue([newEvent([]), newEvent([])])
      nowMs += 10_000
      await storage.enqueue([newEvent([])])
      const purge = () => storage.purge({ eventsOlderThanMs: 5000, limit: 1 })
      const answers = [await purge(), await purge(), await purge(), await purge()]
      expect(answers).toEqual([
        { removed: 0, isDone: false },
        { removed: 1, isDone: false },
        { removed: 1, isDone: false },
        { removed: 0, isDone: true },
      ])
      expect((await storage.listEvents({ tenantId, limit: 10 })).data).toHaveLength(10)
    })
  })
}

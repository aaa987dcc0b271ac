import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite-storage.ts'
import { newEvent, newWebhook } from './rows.ts'

describe('retention of sqliteStorage', () => {
  it('forgets expired idempotency keys, with new keys and with purge', async () => {
    let nowMs = 0
    const database = new DatabaseSync(':memory:')
    const storage = sqliteStorage(database, { clock: () => nowMs })
    const countKeys = () => database.prepare('SELECT count(*) AS count FROM posthorn_idempotency').get()?.['count']
    const enqueueKeys = (count: number, name: string) =>
      storage.enqueue(
        Array.from({ length: count }, (_, index) =>
          newEvent([], { idempotencyKey: `${name}-${index}`, bodyHash: 'hash', idempotencyTtlMs: 1000 }),
        ),
      )
    await enqueueKeys(20, 'old')
    nowMs = 500
    await enqueueKeys(10, 'live')
    expect(countKeys()).toBe(30)
    nowMs = 1000
    await enqueueKeys(2, 'new')
    expect(countKeys()).toBe(24)
    await storage.purge({ limit: 5 })
    expect(countKeys()).toBe(19)
    await storage.purge({ limit: 100 })
    expect(countKeys()).toBe(12)
    database.close()
  })

  it('passes a bounded number of events that have to stay, and goes on behind them', async () => {
    let nowMs = 0
    const storage = sqliteStorage(':memory:', { clock: () => nowMs })
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    await storage.enqueue(Array.from({ length: 10_500 }, () => newEvent([webhook])))
    await storage.enqueue([newEvent([]), newEvent([])])
    nowMs = 10_000
    const purge = () => storage.purge({ eventsOlderThanMs: 5000, limit: 1 })
    const answers = [await purge(), await purge(), await purge(), await purge()]
    expect(answers).toEqual([
      { removed: 0, isDone: false },
      { removed: 1, isDone: false },
      { removed: 1, isDone: true },
      { removed: 0, isDone: false },
    ])
  })
})

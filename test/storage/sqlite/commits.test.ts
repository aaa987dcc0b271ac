import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import type { SqliteDatabase } from '../../../src/storage/sqlite/sqlite-database.ts'
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite-storage.ts'
import { newAttempt, newEvent, newWebhook, tenantId } from './rows.ts'
import { tempFile } from './temp-file.ts'

describe('commits of sqliteStorage', () => {
  it('commits the calls of one turn together', async () => {
    const { database, executed } = counting()
    const storage = sqliteStorage(database)
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    await storage.enqueue([newEvent([webhook])])
    const { claimed } = await storage.claim({ limit: 1, leaseMs: 60_000 })
    executed.length = 0
    const settlements = claimed.map(({ id, lease }) => {
      return { id, lease, outcome: 'succeeded', attempt: newAttempt(1) } as const
    })
    const events = Array.from({ length: 50 }, () => newEvent([webhook]))
    const answers = await Promise.all([
      storage.settle(settlements),
      ...events.map(async (event) => (await storage.enqueue([event])).results),
    ])
    expect(executed).toEqual(['BEGIN IMMEDIATE', 'COMMIT'])
    expect(answers[0]).toEqual([{ id: claimed[0]?.id, state: 'succeeded' }])
    expect(answers.slice(1)).toEqual(events.map(({ id }) => [{ id, status: 'accepted' }]))
    await storage.enqueue([newEvent([webhook])])
    expect(executed).toHaveLength(4)
  })

  it('lets one call of a turn fail and no other', async () => {
    const storage = sqliteStorage(new DatabaseSync(':memory:'))
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    const first = newEvent([webhook])
    const bad = newEvent([], { deliveries: first.deliveries })
    const beside = newEvent([webhook])
    const last = newEvent([webhook])
    const answers = await Promise.allSettled([
      storage.enqueue([first]),
      storage.enqueue([beside, bad]),
      storage.enqueue([last]),
    ])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(answers[1]).toMatchObject({ reason: { code: 'CONFLICT' } })
    const { data } = await storage.listEvents({ tenantId, limit: 10, order: 'asc' })
    expect(data.map(({ id }) => id)).toEqual([first.id, last.id])
    expect((await storage.claim({ limit: 10, leaseMs: 60_000 })).claimed).toHaveLength(2)
  })

  it('gives up on a lock after busyTimeoutMs, once for all that waited, and goes on afterwards', async () => {
    const file = tempFile()
    const storage = sqliteStorage(file, { busyTimeoutMs: 100 })
    await storage.open()
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    const startedAt = performance.now()
    const events = Array.from({ length: 20 }, () => newEvent([]))
    const answers = await Promise.allSettled(events.map((event) => storage.enqueue([event])))
    expect(performance.now() - startedAt).toBeLessThan(1500)
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'STORAGE_FAILED' } })
    }
    await expect(storage.insertWebhook(newWebhook())).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    // Readers and idle polls need no lock.
    expect(await storage.claim({ limit: 1, leaseMs: 1 })).toEqual({ claimed: [], nextDueInMs: null })
    other.exec('COMMIT')
    other.close()
    for (const event of events) {
      expect((await storage.enqueue([event])).results).toEqual([{ id: event.id, status: 'accepted' }])
    }
    await storage.close()
  })

  it('rejects what a full disk has no room for, writes nothing of it, and goes on afterwards', async () => {
    const database = new DatabaseSync(tempFile())
    const storage = sqliteStorage(database)
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    const pages = Number(database.prepare('PRAGMA page_count').get()?.['page_count'])
    database.exec(`PRAGMA max_page_count = ${pages + 50}`)
    const huge = newEvent([webhook], { body: 'x'.repeat(1_000_000) })
    const small = newEvent([webhook])
    const answers = await Promise.allSettled([storage.enqueue([huge]), storage.enqueue([small])])
    expect(answers).toMatchObject([
      { status: 'rejected', reason: { code: 'STORAGE_FAILED' } },
      { status: 'fulfilled', value: { results: [{ id: small.id, status: 'accepted' }] } },
    ])
    expect(await storage.getEvent(huge.id, tenantId)).toBeNull()
    expect((await storage.listDeliveries({ tenantId, limit: 10 })).data).toHaveLength(1)
    database.exec('PRAGMA max_page_count = 1000000')
    expect((await storage.enqueue([huge])).results).toEqual([{ id: huge.id, status: 'accepted' }])
    database.close()
  })
})

function counting(): { database: SqliteDatabase; executed: string[] } {
  const database = new DatabaseSync(':memory:')
  const executed: string[] = []
  return {
    executed,
    database: {
      exec: (sql) => {
        executed.push(sql)
        database.exec(sql)
      },
      prepare: (sql) => database.prepare(sql),
    },
  }
}

import { DatabaseSync } from 'node:sqlite'
import Libsql from 'libsql'
import { sqliteIdempotency, sqliteStorage } from 'posthorn/sqlite'
import { idempotencyConformance } from 'posthorn/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { manualClock } from '../../support/clock.ts'
import { tempFile } from '../../storage/sqlite/temp-file.ts'

const event = { scope: 's', id: 'i', lease: 'l', leaseMs: 1_000, keepMs: 10_000, fingerprint: 'f', record: null }

describe('sqliteIdempotency', () => {
  idempotencyConformance({ describe, it }, { createStore: ({ clock }) => sqliteIdempotency(':memory:', { clock }) })

  it('knows after a restart what was reserved and completed before', async () => {
    const file = tempFile()
    const before = sqliteIdempotency(file)
    await before.reserve(event)
    await before.reserve({ ...event, id: 'held' })
    await before.complete(event, 10_000)
    before.close()
    const after = sqliteIdempotency(file)
    onTestFinished(() => after.close())
    expect((await after.reserve({ ...event, lease: 'other' })).status).toBe('completed')
    expect((await after.reserve({ ...event, id: 'held', lease: 'other' })).status).toBe('in-flight')
    await expect(before.reserve(event)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  })

  it('shares a file with the storage of the sending side', async () => {
    const file = tempFile()
    const storage = sqliteStorage(file)
    await storage.open()
    const store = sqliteIdempotency(file)
    expect((await store.reserve(event)).status).toBe('reserved')
    store.close()
    await storage.close()
  })

  it.each([
    ['node:sqlite', () => new DatabaseSync(':memory:')],
    ['libsql', () => new Libsql(':memory:')],
  ])('works on an open database of %s, and leaves it open', async (_, open) => {
    const database = open()
    const store = sqliteIdempotency(database)
    expect(await store.reserve(event)).toEqual({ status: 'reserved', attempt: 1, fingerprint: 'f' })
    expect(await store.complete(event, 10_000)).toBe(true)
    store.close()
    expect(database.prepare('SELECT count(*) AS count FROM posthorn_received').all()).toMatchObject([{ count: 1 }])
    database.close()
  })

  it("waits for a transaction of the database's owner instead of joining it", async () => {
    const database = new DatabaseSync(':memory:')
    const store = sqliteIdempotency(database)
    await store.reserve(event)
    database.exec('BEGIN')
    const reserving = store.reserve({ ...event, id: 'other' })
    await Promise.resolve()
    database.exec('ROLLBACK')
    await reserving
    expect((await store.reserve({ ...event, id: 'other', lease: 'second' })).status).toBe('in-flight')
  })

  it('removes what has outlived its keep time', async () => {
    const clock = manualClock()
    const database = new DatabaseSync(':memory:')
    const store = sqliteIdempotency(database, { clock: clock.now })
    for (const id of ['1', '2', '3']) await store.reserve({ ...event, id })
    clock.advance(10_000)
    await store.reserve({ ...event, id: '4' })
    expect(database.prepare('SELECT id FROM posthorn_received').all()).toEqual([{ id: '4' }])
  })

  it.each([
    ['', {}, TypeError],
    [undefined, {}, TypeError],
    [':memory:', { busyTimeoutMs: -1 }, RangeError],
    [':memory:', { clock: 5 }, TypeError],
  ])('refuses (%j, %j)', (source, options, error) => {
    // @ts-expect-error wrong arguments
    expect(() => sqliteIdempotency(source, options)).toThrow(error)
  })
})

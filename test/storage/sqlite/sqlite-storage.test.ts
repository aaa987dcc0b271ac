import { writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import Database from 'libsql'
import { describe, expect, it, vi } from 'vitest'
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite-storage.ts'
import { newAttempt, newEvent, newWebhook, tenantId } from './rows.ts'
import { tempFile } from './temp-file.ts'

describe('sqliteStorage', () => {
  it('keeps everything in the file from one opening to the next', async () => {
    const file = tempFile()
    const webhook = newWebhook({ metadata: { team: 'core' } })
    const event = newEvent([webhook])
    const first = sqliteStorage(file)
    await first.open()
    await first.insertWebhook(webhook)
    await first.enqueue([event])
    const { claimed } = await first.claim({ limit: 1, leaseMs: 60_000 })
    await first.close()

    const second = sqliteStorage(file)
    await second.open()
    expect(await second.getWebhook(webhook.id, tenantId)).toEqual(webhook)
    expect(await second.getEvent(event.id, tenantId)).toMatchObject({ id: event.id, body: event.body })
    const settlements = claimed.map(({ id, lease }) => {
      return { id, lease, outcome: 'succeeded', attempt: newAttempt(1) } as const
    })
    expect(await second.settle(settlements)).toEqual([{ id: claimed[0]?.id, state: 'succeeded' }])
    await second.close()
  })

  it('is durable at every commit, and waits for other writers', async () => {
    const database = new DatabaseSync(tempFile())
    const storage = sqliteStorage(database, { busyTimeoutMs: 1234 })
    await storage.open()
    const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
    expect([pragma('journal_mode'), pragma('synchronous'), pragma('busy_timeout')]).toEqual(['wal', 2, 1234])
    database.close()
  })

  it('says what it can promise', () => {
    expect(sqliteStorage('webhooks.db').capabilities).toEqual({
      durability: 'disk',
      scope: 'host',
      transactions: 'caller',
    })
    expect(sqliteStorage(':memory:').capabilities).toEqual({
      durability: 'none',
      scope: 'process',
      transactions: 'none',
    })
  })

  it('opens by itself at the first use', async () => {
    const storage = sqliteStorage(':memory:')
    expect(await storage.listWebhooks({ tenantId, limit: 1 })).toEqual({ data: [], nextCursor: null })
    await storage.close()
  })

  it('refuses every use after close, until it is opened again', async () => {
    const storage = sqliteStorage(tempFile())
    await storage.insertWebhook(newWebhook())
    await storage.close()
    const unavailable = { code: 'STORAGE_UNAVAILABLE' }
    await expect(storage.listWebhooks({ tenantId, limit: 1 })).rejects.toMatchObject(unavailable)
    await expect(storage.insertWebhook(newWebhook())).rejects.toMatchObject(unavailable)
    await expect(storage.enqueue([newEvent([])])).rejects.toMatchObject(unavailable)
    await expect(storage.claim({ limit: 1, leaseMs: 1 })).rejects.toMatchObject(unavailable)
    await expect(storage.settle([])).rejects.toMatchObject(unavailable)
    await storage.open()
    expect((await storage.listWebhooks({ tenantId, limit: 10 })).data).toHaveLength(1)
    await storage.close()
  })

  it('commits what was enqueued before close', async () => {
    const file = tempFile()
    const storage = sqliteStorage(file)
    await storage.open()
    const event = newEvent([])
    const [{ results }] = await Promise.all([storage.enqueue([event]), storage.close()])
    expect(results).toEqual([{ id: event.id, status: 'accepted' }])
    const again = sqliteStorage(file)
    expect(await again.getEvent(event.id, tenantId)).not.toBeNull()
    await again.close()
  })

  it('writes batches of any size, and of each what is not stored yet', async () => {
    const storage = sqliteStorage(':memory:')
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    const events = Array.from({ length: 45 }, (_, index) => newEvent([webhook], { body: `body ${index}` }))
    await storage.enqueue(events.slice(7, 9))
    const repeated = events.map((event) => ({ ...event, deliveries: newEvent([webhook]).deliveries }))
    const { results } = await storage.enqueue([...events.slice(0, 7), ...repeated.slice(7, 9), ...events.slice(9)])
    expect(results).toEqual(events.map(({ id }) => ({ id, status: 'accepted' })))
    const { claimed } = await storage.claim({ limit: 100, leaseMs: 60_000 })
    const written = claimed.map(({ id, event }) => `${id} ${event.body}`)
    expect(written.toSorted()).toEqual(events.map(({ body, deliveries: [one] }) => `${one?.id} ${body}`).toSorted())
  })

  it('keeps the first of two events of one id in a batch, and no key of the second', async () => {
    const storage = sqliteStorage(':memory:')
    const key = { idempotencyKey: 'key', bodyHash: 'hash', idempotencyTtlMs: 60_000 }
    const first = newEvent([], { body: 'first' })
    const second = newEvent([], { ...key, id: first.id, body: 'second' })
    const answer = { id: first.id, status: 'accepted' }
    expect((await storage.enqueue([first, second])).results).toEqual([answer, answer])
    expect((await storage.getEvent(first.id, tenantId))?.body).toBe('first')
    const third = newEvent([], key)
    expect((await storage.enqueue([third])).results).toEqual([{ id: third.id, status: 'accepted' }])
  })

  it('names the delivery that cannot be written', async () => {
    const storage = sqliteStorage(':memory:')
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    const [one, other, twice] = [newEvent([webhook]), newEvent([webhook]), newEvent([webhook, webhook])]
    const taken = { ...other, deliveries: one.deliveries }
    await expect(storage.enqueue([one, taken])).rejects.toThrow(
      `Delivery ${one.deliveries[0]?.id} of event ${other.id}`,
    )
    await expect(storage.enqueue([one, twice])).rejects.toThrow(
      `Delivery ${twice.deliveries[1]?.id} of event ${twice.id}`,
    )
  })

  it('refuses tables that a newer release wrote, and leaves them alone', async () => {
    const file = tempFile()
    await createFile(file)
    const database = new DatabaseSync(file)
    database.exec('UPDATE posthorn_schema SET version = 99')
    await expect(sqliteStorage(file).open()).rejects.toMatchObject({
      code: 'STORAGE_SCHEMA',
      message: expect.stringMatching(/version 99.*Upgrade posthorn/) as string,
    })
    expect(database.prepare('SELECT version FROM posthorn_schema').all()).toMatchObject([{ version: 99 }])
    database.close()
  })

  it('names a file that cannot be opened', async () => {
    const file = `${tempFile()}/missing/webhooks.db`
    await expect(sqliteStorage(file).open()).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: expect.stringContaining(file) as string,
    })
  })

  it('refuses a file that is no database', async () => {
    const file = tempFile()
    writeFileSync(file, 'no database, but long enough to be looked at as one'.repeat(50))
    await expect(sqliteStorage(file).open()).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
  })

  it('says what to do where the runtime has no node:sqlite', async () => {
    const builtin = vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)
    try {
      const storage = sqliteStorage(tempFile())
      await expect(storage.open()).rejects.toMatchObject({
        code: 'STORAGE_UNAVAILABLE',
        message: expect.stringMatching(/Node 22\.13.*better-sqlite3/) as string,
      })
      expect(builtin).toHaveBeenCalledWith('node:sqlite')
    } finally {
      builtin.mockRestore()
    }
  })

  it.each([
    ['', TypeError],
    [null, TypeError],
    [{}, TypeError],
    [{ exec: () => undefined }, TypeError],
  ])('refuses %o in place of a path or a database', (source, error) => {
    expect(() => Reflect.apply(sqliteStorage, undefined, [source])).toThrow(error)
  })

  it.each([
    [{ busyTimeoutMs: -1 }, RangeError],
    [{ busyTimeoutMs: 1.5 }, RangeError],
    [{ busyTimeoutMs: Number.NaN }, RangeError],
    [{ busyTimeoutMs: '1; DROP TABLE posthorn_events' }, RangeError],
    [{ clock: 5 }, TypeError],
    [{ random: 'x' }, TypeError],
  ])('refuses the options %o and names the wrong one', (options, error) => {
    const create = () => Reflect.apply(sqliteStorage, undefined, [':memory:', options])
    expect(create).toThrow(error)
    expect(create).toThrow(new RegExp(String(Object.keys(options)[0])))
  })
})

describe("sqliteStorage on its owner's database", () => {
  it('leaves the database open, and its other tables alone', async () => {
    const database = new DatabaseSync(':memory:')
    database.exec('CREATE TABLE orders (id TEXT)')
    const storage = sqliteStorage(database)
    await storage.insertWebhook(newWebhook())
    await storage.close()
    expect(database.prepare('SELECT count(*) AS count FROM posthorn_webhooks').get()).toEqual({ count: 1 })
    const names = database.prepare(`SELECT name FROM sqlite_schema WHERE type IN ('table', 'index')`).all()
    const foreign = names.map(({ name }) => String(name)).filter((name) => !name.includes('posthorn_'))
    expect(foreign).toEqual(['orders'])
    database.close()
  })

  it('does not touch a transaction that its owner has open', async () => {
    const database = new DatabaseSync(':memory:')
    const storage = sqliteStorage(database)
    await storage.open()
    database.exec('CREATE TABLE orders (id TEXT); BEGIN; INSERT INTO orders VALUES (1)')
    await expect(storage.insertWebhook(newWebhook())).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    await expect(storage.enqueue([newEvent([])])).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    database.exec('COMMIT')
    expect(database.prepare('SELECT count(*) AS count FROM orders').get()).toEqual({ count: 1 })
    await storage.insertWebhook(newWebhook())
    database.close()
  })

  const bigintDatabases = [
    ['node:sqlite', () => new DatabaseSync(':memory:', { readBigInts: true })],
    ['libsql', () => new Database(':memory:').defaultSafeIntegers(true)],
  ] as const
  it.each(bigintDatabases)('gives numbers where a database of %s gives bigints', async (_, createDatabase) => {
    const storage = sqliteStorage(createDatabase())
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    await storage.enqueue([newEvent([webhook])])
    const { claimed } = await storage.claim({ limit: 1, leaseMs: 60_000 })
    expect(claimed).toMatchObject([{ attemptCount: 0, claimCount: 1, webhook }])
    expect(await storage.stats({})).toMatchObject({ leased: 1 })
  })

  it.each([
    ['node:sqlite', () => new DatabaseSync(':memory:')],
    ['libsql', () => new Database(':memory:')],
  ])('keeps text with a NUL whole on %s', async (_, createDatabase) => {
    const storage = sqliteStorage(createDatabase())
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    const body = '\ufeffbefore\0after ä'
    await storage.enqueue([newEvent([webhook], { body })])
    const { claimed } = await storage.claim({ limit: 1, leaseMs: 60_000 })
    expect(claimed.map(({ event }) => event.body)).toEqual([body])
    const attempt = { ...newAttempt(1), responseBody: body }
    await storage.settle(claimed.map(({ id, lease }) => ({ id, lease, outcome: 'succeeded', attempt }) as const))
    const deliveryId = claimed[0]?.id ?? ''
    expect((await storage.listAttempts({ tenantId, deliveryId, limit: 1 })).data).toMatchObject([
      { responseBody: body },
    ])
  })
})

async function createFile(file: string): Promise<void> {
  const storage = sqliteStorage(file)
  await storage.open()
  await storage.close()
}

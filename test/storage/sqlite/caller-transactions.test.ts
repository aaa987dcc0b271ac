import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EventDispatcher, memoryStorage, WebhookRegistry } from 'posthorn'
import { sqliteStorage } from 'posthorn/sqlite'
import { loopback } from '../../support/loopback.ts'
import { startReceiver } from '../../support/receiver.ts'

let folder = ''
let database: DatabaseSync

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posthorn-tx-'))
  database = new DatabaseSync(join(folder, 'hooks.db'))
  database.exec('CREATE TABLE orders (id TEXT PRIMARY KEY)')
})
afterEach(async () => {
  if (database.isOpen) database.close()
  await rm(folder, { recursive: true })
})

function setUp() {
  const registry = new WebhookRegistry({ addresses: loopback, storage: sqliteStorage(database) })
  return { registry, dispatcher: new EventDispatcher({ registry, retry: { retries: 0 } }) }
}

const input = (url: string) => ({ name: 'a', url, events: ['*'] })

describe('dispatch with the SQLite database of an open transaction', () => {
  it('exists if the caller commits, beside what the caller wrote', async () => {
    await using receiver = await startReceiver()
    const { registry, dispatcher } = setUp()
    await registry.create(input(receiver.url))
    await dispatcher.start()
    database.exec('BEGIN IMMEDIATE')
    database.exec("INSERT INTO orders VALUES ('1')")
    const { eventId, deliveries } = await dispatcher.dispatch('order.created', { id: '1' }, { tx: database })
    expect(deliveries).toBe(1)
    expect(receiver.received).toHaveLength(0)
    database.exec('COMMIT')
    await dispatcher.drain()
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([eventId])
    await dispatcher.stop()
  })

  it('lets in no write of ours, however soon after another wait it begins', async () => {
    const { registry, dispatcher } = setUp()
    const { id } = await registry.create(input('http://127.0.0.1:9/'))
    for (let round = 0; round < 60; round++) {
      const transaction = async () => {
        // After one turn of promises more each time.
        for (let turn = 0; turn < round % 12; turn++) await Promise.resolve()
        database.exec('BEGIN IMMEDIATE')
        await dispatcher.dispatch('order.created', round, { tx: database })
        database.exec('COMMIT')
      }
      await Promise.all([
        registry.update(id, { description: 'one' }),
        transaction(),
        registry.update(id, { description: 'two' }),
        registry.storage.claim({ limit: 1, leaseMs: 1_000 }),
        registry.storage.overdue({ limit: 1, byMs: 0 }),
      ])
    }
    expect((await registry.storage.stats({})).ready + (await registry.storage.stats({})).leased).toBe(60)
  })

  it('leaves nothing if the caller rolls back', async () => {
    const { registry, dispatcher } = setUp()
    await registry.create(input('http://127.0.0.1:9/'))
    database.exec('BEGIN IMMEDIATE')
    database.exec("INSERT INTO orders VALUES ('1')")
    await dispatcher.dispatch('order.created', { id: '1' }, { tx: database, idempotencyKey: 'k' })
    await dispatcher.dispatchMany([{ type: 'order.created', data: 2 }], { tx: database })
    await registry.create(input('http://127.0.0.1:9/'), { tx: database })
    database.exec('ROLLBACK')
    expect((await dispatcher.listDeliveries()).data).toEqual([])
    expect((await registry.list()).data).toHaveLength(1)
    expect(await dispatcher.dispatch('order.created', { id: '2' }, { idempotencyKey: 'k' })).toMatchObject({
      status: 'accepted',
    })
  })

  it('reaches a webhook that was registered in the same transaction', async () => {
    const { registry, dispatcher } = setUp()
    await registry.open()
    database.exec('BEGIN IMMEDIATE')
    const webhook = await registry.create(input('http://127.0.0.1:9/'), { tx: database })
    expect(await dispatcher.dispatch('a.b', {}, { tx: database })).toMatchObject({ deliveries: 1 })
    database.exec('COMMIT')
    expect((await dispatcher.listDeliveries({ webhookId: webhook.id })).data).toHaveLength(1)
  })

  it('makes writes outside of it wait, and fails none of them', async () => {
    await using receiver = await startReceiver()
    const { registry, dispatcher } = setUp()
    const errors: unknown[] = []
    dispatcher.on('worker.error', (event) => errors.push(event))
    await registry.create(input(receiver.url))
    await dispatcher.start()
    database.exec('BEGIN IMMEDIATE')
    await dispatcher.dispatch('inside.tx', {}, { tx: database })
    const outside = [
      dispatcher.dispatch('outside.tx', {}),
      registry.create({ ...input('http://127.0.0.1:9/'), events: ['never.sent'] }),
      dispatcher.runOnce(),
    ]
    // A few turns of the event loop, in which each of them would have begun a transaction of its own.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(database.isTransaction).toBe(true)
    database.exec('COMMIT')
    await Promise.all(outside)
    await dispatcher.drain()
    expect(new Set(receiver.received.map(({ body }) => JSON.parse(body).type))).toEqual(
      new Set(['inside.tx', 'outside.tx']),
    )
    expect(errors).toEqual([])
    await dispatcher.stop()
  })

  it('leaves nothing if the process dies between the statement and the commit', async () => {
    const { registry } = setUp()
    await registry.create(input('http://127.0.0.1:9/'))
    database.close()
    const script = new URL('./crash-before-commit.ts', import.meta.url).pathname
    const flags = ['--conditions=posthorn-source', '--no-warnings']
    const child = spawn(process.execPath, [...flags, script, join(folder, 'hooks.db')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await once(child.stdout, 'data')
    expect(String(line)).toContain('dispatched 1')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const storage = sqliteStorage(join(folder, 'hooks.db'))
    expect((await storage.listEvents({ tenantId: 'default', limit: 10 })).data).toEqual([])
    expect(await storage.stats({})).toMatchObject({ ready: 0, waiting: 0, leased: 0 })
    await storage.close()
  })

  it('has to find the storage open', async () => {
    const { dispatcher } = setUp()
    database.exec('BEGIN')
    const unopened = { code: 'STORAGE_UNAVAILABLE', message: expect.stringContaining('before BEGIN') }
    await expect(dispatcher.dispatch('a.b', {}, { tx: database })).rejects.toMatchObject(unopened)
    database.exec('ROLLBACK')
  })

  it('is refused without an open transaction, for another thing, and by a storage that has none', async () => {
    const { dispatcher, registry: own } = setUp()
    await own.open()
    const refused = { code: 'TRANSACTIONS_UNSUPPORTED' }
    await expect(dispatcher.dispatch('a.b', {}, { tx: database })).rejects.toMatchObject(refused)
    await expect(dispatcher.dispatch('a.b', {}, { tx: {} })).rejects.toMatchObject(refused)
    const registry = new WebhookRegistry({ addresses: loopback, storage: memoryStorage() })
    const other = new EventDispatcher({ registry })
    await expect(other.dispatch('a.b', {}, { tx: database })).rejects.toMatchObject(refused)
    await expect(other.dispatchMany([], { tx: database })).rejects.toMatchObject(refused)
    await expect(registry.create(input('http://127.0.0.1:9/'), { tx: database })).rejects.toMatchObject(refused)
  })
})

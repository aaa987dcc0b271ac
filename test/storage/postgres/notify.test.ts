import { PGlite } from '@electric-sql/pglite'
import { Client, Pool } from 'pg'
import { EventDispatcher, type EventDispatcherOptions, WebhookRegistry } from 'posthorn'
import { postgresStorage, type PostgresStorageOptions } from 'posthorn/postgres'
import postgres from 'postgres'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { loopback } from '../../support/loopback.ts'
import { startReceiver } from '../../support/receiver.ts'
import { serverUrl } from './server.ts'
import { connectPglite, createTestDatabase, noServer, type TestDatabase } from './test-database.ts'

const name = `posthorn_listener_${process.pid}`
const patient = { timeout: 10_000 }

describe.skipIf(noServer)('postgresStorage with notify', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
    return database.drop
  })

  const listeners = [
    { kind: 'a client of pg', listen: () => new Client({ connectionString: serverUrl, application_name: name }) },
    { kind: 'postgres.js', listen: () => postgres(serverUrl, { connection: { application_name: name }, max: 1 }) },
  ]

  function listenWith({ kind, listen }: (typeof listeners)[number]): NonNullable<PostgresStorageOptions['listen']> {
    if (kind === 'a client of pg') return listen as () => Client
    const sql = listen() as ReturnType<typeof postgres>
    onTestFinished(() => sql.end({ timeout: 1 }))
    return sql
  }

  describe.each(listeners)('that $kind listens to', (listener) => {
    it('has a dispatch of another process begun at once, and one within a transaction after its commit', async () => {
      await using receiver = await startReceiver()
      const { worker, web, pool } = await pair(database, receiver.url, { listen: listenWith(listener) })
      await worker.start()
      await worker.drain()
      await listening()
      const sentAt = performance.now()
      await web.dispatch('order.paid', {})
      await expect.poll(() => receiver.received.length, patient).toBe(1)
      // A poll would come within a minute.
      expect(performance.now() - sentAt).toBeLessThan(3000)
      const tx = await pool.connect()
      await tx.query('BEGIN')
      await web.dispatch('order.paid', {}, { tx })
      await worker.drain()
      expect(receiver.received).toHaveLength(1)
      await tx.query('COMMIT')
      tx.release()
      await expect.poll(() => receiver.received.length, patient).toBe(2)
      const [delivery] = (await web.listDeliveries()).data
      await expect.poll(async () => (await web.listDeliveries({ state: 'succeeded' })).data.length, patient).toBe(2)
      await web.resend(delivery?.id ?? '')
      await expect.poll(() => receiver.received.length, patient).toBe(3)
    })

    it('listens again where its connection dies, and has then what was written meanwhile', async () => {
      await using receiver = await startReceiver()
      const { worker, web, errors } = await pair(database, receiver.url, { listen: listenWith(listener) })
      await worker.start()
      await worker.drain()
      const pids = new Set<unknown>()
      for (let round = 1; round <= 2; round++) {
        const pid = await listening()
        pids.add(pid)
        await database.query('SELECT pg_terminate_backend($1::integer)', [Number(pid)])
        await web.dispatch('order.paid', {})
        await expect.poll(() => receiver.received.length, patient).toBe(round)
      }
      expect(pids.size).toBe(2)
      expect(errors.every((during) => during === 'listen')).toBe(true)
    })

    it('gives its connection up at a stop', async () => {
      await using receiver = await startReceiver()
      const { worker } = await pair(database, receiver.url, { listen: listenWith(listener) })
      await worker.start()
      await listening()
      await worker.stop()
      const channels = `SELECT 1 FROM pg_stat_activity WHERE application_name = '${name}' AND query LIKE 'listen%'`
      await expect.poll(async () => (await database.query(channels)).length, patient).toBe(0)
    })
  })

  it('takes a client of a pool to listen on, and does not give it back to be used for anything else', async () => {
    await using receiver = await startReceiver()
    const listenPool = new Pool({ connectionString: serverUrl, max: 1, application_name: name })
    onTestFinished(() => listenPool.end())
    const { worker, web } = await pair(database, receiver.url, { listen: () => listenPool.connect() })
    await worker.start()
    await worker.drain()
    await listening()
    await web.dispatch('order.paid', {})
    await expect.poll(() => receiver.received.length, patient).toBe(1)
    await worker.stop()
    await expect.poll(() => listenPool.totalCount, patient).toBe(0)
  })

  it('reports a listener that cannot connect, goes on by polling, and stops soon', async () => {
    await using receiver = await startReceiver()
    const listen = () => new Client({ host: '127.0.0.1', port: 1 })
    const { worker, web, errors } = await pair(database, receiver.url, { listen }, { pollIntervalMs: 50 })
    await worker.start()
    await web.dispatch('order.paid', {})
    await expect.poll(() => receiver.received.length, patient).toBe(1)
    await expect.poll(() => errors, patient).toContain('listen')
    const stoppedAt = performance.now()
    await worker.stop()
    expect(performance.now() - stoppedAt).toBeLessThan(3000)
  })

  it('stops soon where the listener never connects', async () => {
    await using receiver = await startReceiver()
    const { worker } = await pair(database, receiver.url, { listen: () => new Promise(() => {}) })
    await worker.start()
    const stoppedAt = performance.now()
    await worker.stop()
    expect(performance.now() - stoppedAt).toBeLessThan(3000)
  })

  it('makes few claims of many notifications', async () => {
    await using receiver = await startReceiver()
    let claims = 0
    const sql = new Pool({ connectionString: serverUrl, max: 4 })
    onTestFinished(() => sql.end())
    const counting = {
      query: async (text: string, params: readonly (string | number | null)[]) => {
        if (!text.includes('.claim_')) return (await sql.query(text, [...params])).rows
        claims++
        return (await sql.query(text, [...params])).rows
      },
    }
    const listen = () => new Client({ connectionString: serverUrl, application_name: name })
    const { worker } = await pair(database, receiver.url, { listen, client: counting })
    await worker.start()
    await worker.drain()
    await listening()
    const before = claims
    const startedAt = performance.now()
    for (let told = 0; told < 300; told++) await database.query(`SELECT pg_notify('posthorn_${database.schema}', '')`)
    const tookMs = performance.now() - startedAt
    await new Promise((resolve) => setTimeout(resolve, 100))
    // One at least, and one in 50 ms at most.
    expect(claims - before).toBeGreaterThan(0)
    expect(claims - before).toBeLessThanOrEqual((tookMs + 100) / 50 + 2)
  })

  it('notifies nobody of what is not due, or was leased as it was written', async () => {
    const heard: string[] = []
    const client = new Client({ connectionString: serverUrl })
    await client.connect()
    onTestFinished(() => client.end())
    client.on('notification', ({ channel }) => heard.push(channel))
    await client.query(`LISTEN "posthorn_${database.schema}"`)
    const { web, worker, registry } = await pair(database, 'http://127.0.0.1:9/', {
      listen: () => new Promise(() => {}),
    })
    await web.dispatch('order.paid', {}, { delayMs: 60_000 })
    await web.dispatch('unwanted.one', {})
    await worker.start()
    await worker.drain()
    expect(heard).toEqual([])
    // A poll that is under way speaks for all the room that a worker has at first, and the dispatch beside it then leases nothing.
    for (let tries = 0; tries < 5; tries++) {
      heard.length = 0
      await worker.dispatch('order.paid', {})
      await client.query('SELECT 1')
      if (heard.length === 0) break
    }
    expect(heard).toEqual([])
    await web.dispatch('order.paid', {})
    await client.query('SELECT 1')
    expect(heard).toEqual([`posthorn_${database.schema}`])
    const quiet = new EventDispatcher({
      registry: new WebhookRegistry({
        storage: postgresStorage(database.client, { schema: database.schema }),
        addresses: loopback,
      }),
    })
    await quiet.dispatch('order.paid', {})
    await client.query('SELECT 1')
    expect(heard).toHaveLength(1)
    expect(registry.storage.name).toBe('postgres')
  })

  /** The process id of who listens, once somebody does. */
  async function listening(): Promise<unknown> {
    const query = `SELECT pid FROM pg_stat_activity WHERE application_name = '${name}' AND query ILIKE 'listen%' AND state = 'idle'`
    await expect.poll(async () => (await database.query(query)).length, patient).toBe(1)
    return (await database.query(query))[0]?.['pid']
  }
})

describe('postgresStorage with notify on PGlite', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase(connectPglite)
    return database.drop
  })

  it('listens by itself', async () => {
    await using receiver = await startReceiver()
    const client = database.client as PGlite // as connectPglite gave it
    const { worker, web } = await pair(database, receiver.url, { client })
    await worker.start()
    await worker.drain()
    await web.dispatch('order.paid', {})
    await expect.poll(() => receiver.received.length, patient).toBe(1)
    await client.transaction(async (tx) => {
      await web.dispatch('order.paid', {}, { tx })
    })
    await expect.poll(() => receiver.received.length, patient).toBe(2)
    await worker.stop()
  })
})

describe('postgresStorage', () => {
  const client = { query: () => Promise.resolve([]) }

  it.each([
    [{ notify: 'yes' }, /notify must be true or false, not yes/],
    [{ listen: () => undefined }, /set notify as well/],
    [{ notify: true, listen: 5 }, /listen must be .* not number/],
    [{ notify: true, listen: null }, /listen must be .* not null/],
    [{ notify: true, listen: {} }, /listen must be .* not object/],
    [{ notifies: true }, /has no option notifies/],
  ])('refuses %o', (options, message) => {
    const create = () => Reflect.apply(postgresStorage, undefined, [client, options])
    expect(create).toThrow(TypeError)
    expect(create).toThrow(message)
  })

  it('tells of nothing unless it was told how to listen', () => {
    expect(postgresStorage(client).watch).toBeUndefined()
    expect(postgresStorage(client, { notify: true }).watch).toBeUndefined()
  })
})

async function pair(
  database: TestDatabase,
  url: string,
  { client, ...options }: Partial<PostgresStorageOptions> & { client?: Parameters<typeof postgresStorage>[0] },
  dispatcherOptions: Partial<EventDispatcherOptions> = {},
) {
  await database.emptyStorage().open()
  const pool = new Pool({ connectionString: serverUrl, max: 4 })
  onTestFinished(() => pool.end())
  const storage = () => postgresStorage(client ?? pool, { schema: database.schema, notify: true, ...options })
  const registry = new WebhookRegistry({ storage: storage(), addresses: loopback })
  const worker = new EventDispatcher({ registry, pollIntervalMs: 60_000, ...dispatcherOptions })
  const web = new EventDispatcher({ registry: new WebhookRegistry({ storage: storage(), addresses: loopback }) })
  const errors: string[] = []
  worker.on('worker.error', ({ during }) => errors.push(during))
  onTestFinished(() => worker.stop({ timeoutMs: 0 }))
  await registry.create({ name: 'a', url, events: ['order.*'] })
  return { worker, web, registry, pool, errors }
}

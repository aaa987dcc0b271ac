import { drizzle } from 'drizzle-orm/node-postgres'
import { Client, Pool } from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { fromDrizzle } from '../../../src/storage/postgres/executors/drizzle.ts'
import { fromPg } from '../../../src/storage/postgres/executors/pg.ts'
import { type PostgresClient } from '../../../src/storage/postgres/postgres-client.ts'
import { postgresStorage } from '../../../src/storage/postgres/postgres-storage.ts'

// A pool emits `error` when the server ends an idle connection; without a listener that ends the process.
describe('postgresStorage and the error events of its client', () => {
  const made: { end(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of made.splice(0)) await one.end()
  })
  const newPool = () => {
    const pool = new Pool()
    made.push(pool)
    return pool
  }

  it.each<[string, (pool: Pool) => PostgresClient]>([
    ['a pool', (pool) => pool],
    ['fromPg(pool)', (pool) => fromPg(pool)],
    ['fromDrizzle(drizzle(pool))', (pool) => fromDrizzle(drizzle({ client: pool }))],
  ])('handles those of %s, with one listener whatever the number of storages', (_, clientOf) => {
    const pool = newPool()
    for (let n = 0; n < 12; n++) postgresStorage(clientOf(pool))
    expect(pool.listenerCount('error')).toBe(1)
    expect(() => pool.emit('error', new Error('ended by the server'))).not.toThrow()
  })

  it('handles those of a single client', () => {
    const client = new Client()
    postgresStorage(client)
    expect(() => client.emit('error', new Error('ended by the server'))).not.toThrow()
    expect(() => new Client().emit('error', new Error('ended by the server'))).toThrow('ended')
  })

  it('goes on handling them after close, as the pool belongs to the caller and lives on', async () => {
    const pool = newPool()
    const storage = postgresStorage(pool)
    await storage.close()
    expect(() => pool.emit('error', new Error('ended by the server'))).not.toThrow()
  })

  it("leaves a transaction's client alone: its errors are the caller's", () => {
    const client = new Client()
    fromPg(client)
    expect(client.listenerCount('error')).toBe(0)
  })

  it("keeps the caller's own listener", () => {
    const pool = newPool()
    const heard: Error[] = []
    pool.on('error', (error: Error) => heard.push(error))
    postgresStorage(pool)
    pool.emit('error', new Error('ended by the server'))
    expect(heard).toHaveLength(1)
  })
})

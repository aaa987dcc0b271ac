import { postgresIdempotency } from 'posthorn/postgres'
import { idempotencyConformance } from 'posthorn/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PostgresTable } from '../../../src/receiver/idempotency/postgres-idempotency.ts'
import { namesIn } from '../../../src/storage/postgres/names.ts'
import { toExecutor } from '../../../src/storage/postgres/postgres-client.ts'
import { type Connected, connectPglite, connectPool, noServer } from '../../storage/postgres/test-database.ts'

const event = { scope: 's', id: 'i', lease: 'l', leaseMs: 60_000, keepMs: 600_000, fingerprint: 'f', record: null }

describe('postgresIdempotency', () => {
  const schema = `posthorn_test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`
  let client: Connected['client']
  let query: (sql: string) => Promise<Record<string, unknown>[]>
  let end: () => Promise<void>
  beforeAll(async () => {
    // The statements are the same for every client, so one is enough; PGlite takes seconds to start.
    ;({ client, end } = noServer ? connectPglite() : connectPool())
    query = (sql) => toExecutor(client).query(sql, [])
    await Promise.all([1, 2, 3].map(() => postgresIdempotency(client, { schema }).migrate()))
  })
  afterAll(async () => {
    await query(`DROP SCHEMA ${schema} CASCADE`)
    await end()
  })

  const createStore = async ({ clock }: { clock: () => number }) => {
    await query(`DELETE FROM ${schema}.received`)
    const names = {
      ...namesIn(schema),
      get now() {
        return `to_timestamp(${clock()}::float8 / 1000)`
      },
    }
    return new PostgresTable(toExecutor(client), schema, names)
  }
  idempotencyConformance({ describe, it }, { createStore })

  it("goes by the server's clock", async () => {
    await query(`DELETE FROM ${schema}.received`)
    const store = postgresIdempotency(client, { schema })
    expect(await store.reserve(event)).toEqual({ status: 'reserved', attempt: 1, fingerprint: 'f' })
    const second = await store.reserve({ ...event, lease: 'other' })
    expect(second.status === 'in-flight' && second.retryInMs > 30_000 && second.retryInMs <= 60_000).toBe(true)
  })

  it('removes what has outlived its keep time', async () => {
    await query(`DELETE FROM ${schema}.received`)
    const store = postgresIdempotency(client, { schema })
    for (const id of ['1', '2', '3']) await store.reserve({ ...event, id })
    await query(`UPDATE ${schema}.received SET expires_at = statement_timestamp() - interval '1 second'`)
    await store.reserve({ ...event, id: '4' })
    expect(await query(`SELECT id FROM ${schema}.received`)).toEqual([{ id: '4' }])
  })

  it('says what to do where its table is missing', async () => {
    const store = postgresIdempotency(client, { schema: `${schema}_none` })
    const message = expect.stringContaining('run migrate() of postgresIdempotency') as string
    await expect(store.reserve(event)).rejects.toMatchObject({ code: 'STORAGE_SCHEMA', message })
  })

  it('refuses a wrong client and a wrong schema', () => {
    // @ts-expect-error no client
    expect(() => postgresIdempotency({})).toThrow(TypeError)
    expect(() => postgresIdempotency({ query: async () => ({ rows: [] }) }, { schema: 'A"b' })).toThrow(TypeError)
  })
})

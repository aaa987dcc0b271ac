import { EventDispatcher, WebhookRegistry } from 'posthorn'
import { postgresStorage } from 'posthorn/postgres'
import { beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, noServer, type TestDatabase } from './test-database.ts'

describe.skipIf(noServer)('an idle EventDispatcher on Postgres', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
    return database.drop
  })

  it.each([
    { kind: 'with nothing pending', delayMs: null },
    { kind: 'with deliveries that are due later', delayMs: 3_600_000 },
  ])('makes fewer than two statements a second, $kind', async ({ delayMs }) => {
    let statements = 0
    const counting = {
      query: async (sql: string, params: readonly (string | number | null)[]) => {
        statements++
        return await database.query(sql, [...params])
      },
    }
    await database.emptyStorage().open()
    const registry = new WebhookRegistry({ storage: postgresStorage(counting, { schema: database.schema }) })
    await using dispatcher = new EventDispatcher({ registry })
    await registry.create({ name: 'a', url: 'http://127.0.0.1:9/', events: ['*'] })
    if (delayMs !== null) await dispatcher.dispatch('a.b', {}, { delayMs })
    await dispatcher.start()
    await dispatcher.drain()
    // The polls get slower while nothing is found: 25 ms, 50 ms … 1 s.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const before = statements
    await new Promise((resolve) => setTimeout(resolve, 4000))
    expect((statements - before) / 4).toBeLessThan(2)
    expect(statements - before).toBeGreaterThan(0)
  })
})

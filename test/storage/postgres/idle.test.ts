import { EventDispatcher, WebhookRegistry } from 'posthorn'
import { postgresStorage } from 'posthorn/postgres'
import { beforeAll, describe, expect, it } from 'vitest'
import { loopback } from '../../support/loopback.ts'
import { createTestDatabase, noServer, type TestDatabase } from './test-database.ts'

describe.skipIf(noServer)('an idle EventDispatcher on Postgres', () => {
  let databases: TestDatabase[]
  beforeAll(async () => {
    databases = [await createTestDatabase(), await createTestDatabase()]
    return async () => {
      for (const { drop } of databases) await drop()
    }
  })

  it('makes fewer than two statements a second, with nothing pending and with deliveries that are due later', async () => {
    const [nothing, later] = databases.map(counted)
    await using idle = new EventDispatcher({ registry: nothing!.registry })
    await using waiting = new EventDispatcher({ registry: later!.registry })
    await later!.registry.create({ name: 'a', url: 'http://127.0.0.1:9/', events: ['*'] })
    await waiting.dispatch('a.b', {}, { delayMs: 3_600_000 })
    for (const dispatcher of [idle, waiting]) {
      await dispatcher.start()
      await dispatcher.drain()
    }
    // The polls get slower while nothing is found: 25 ms, 50 ms … 1 s.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const before = [nothing!.statements(), later!.statements()]
    await new Promise((resolve) => setTimeout(resolve, 4000))
    const perSecond = [nothing!, later!].map(({ statements }, index) => (statements() - before[index]!) / 4)
    expect(Math.max(...perSecond)).toBeLessThan(2)
    expect(Math.min(...perSecond)).toBeGreaterThan(0)
  })
})

function counted({ query, schema }: TestDatabase) {
  let count = 0
  const client = {
    query: async (sql: string, params: readonly (string | number | null)[]) => {
      count++
      return await query(sql, [...params])
    },
  }
  return {
    registry: new WebhookRegistry({ storage: postgresStorage(client, { schema }), addresses: loopback }),
    statements: () => count,
  }
}

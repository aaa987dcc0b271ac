import { beforeAll, describe, expect, it } from 'vitest'
import { namesIn } from '../../../src/storage/postgres/names.ts'
import { PostgresTables } from '../../../src/storage/postgres/postgres-storage.ts'
import type { Storage } from '../../../src/storage/storage.ts'
import { newEvent, newWebhook, tenantId } from '../sqlite/rows.ts'
import { explained, nodesOf } from './explained.ts'
import { createTestDatabase, noServer, type TestDatabase } from './test-database.ts'

describe.skipIf(noServer)('pages of deliveries on Postgres', () => {
  let database: TestDatabase
  let storage: Storage
  const [crowded, quiet] = [newWebhook(), newWebhook()]
  beforeAll(async () => {
    database = await createTestDatabase()
    storage = database.storage()
    for (const webhook of [crowded, quiet]) await storage.insertWebhook(webhook)
    await storage.enqueue(Array.from({ length: 1000 }, () => newEvent([crowded])))
    await storage.enqueue(Array.from({ length: 1600 }, () => newEvent([quiet])))
    return database.drop
  }, 60_000)

  it('hold all deliveries once, in order, with a filter by type as without', async () => {
    for (const type of [undefined, 'order.created']) {
      for (const order of ['asc', 'desc'] as const) {
        const ids: string[] = []
        let cursor: string | null = null
        do {
          const query = { tenantId, webhookId: quiet.id, limit: 700, order, ...(type !== undefined && { type }) }
          const page: Awaited<ReturnType<Storage['listDeliveries']>> = await storage.listDeliveries({
            ...query,
            ...(cursor !== null && { cursor }),
          })
          ids.push(...page.data.map(({ id }) => id))
          cursor = page.nextCursor
        } while (cursor !== null)
        expect(ids).toHaveLength(1600)
        expect(ids).toEqual(order === 'asc' ? ids.toSorted() : ids.toSorted().toReversed())
      }
    }
  })

  it('are cut before their events are read: without statistics the planner may take all deliveries for a page', async () => {
    const connection = await explained()
    try {
      const { executor, plans } = connection
      const { schema } = database
      const page = await new PostgresTables(executor, schema, namesIn(schema)).listDeliveries({ tenantId, limit: 10 })
      const joins = plans()
        .flatMap(nodesOf)
        .filter((node) => node['Node Type'] === 'Nested Loop')
      expect(page.data).toHaveLength(10)
      expect(joins).toHaveLength(1)
      const [outer] = joins[0]?.Plans ?? []
      expect(outer === undefined ? [] : nodesOf(outer).map((node) => node['Node Type'])).toContain('Limit')
    } finally {
      await connection.end()
    }
  })
})

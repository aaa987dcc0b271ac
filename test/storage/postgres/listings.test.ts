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
    for (let batch = 0; batch < 9; batch++) {
      await storage.enqueue(Array.from({ length: 1000 }, () => newEvent([crowded])))
    }
    await storage.enqueue(Array.from({ length: 1600 }, () => newEvent([quiet])))
    return database.drop
  }, 60_000)

  it('end after the 10,000 deliveries of a tenant that were looked at, and go on from there', async () => {
    const query = { tenantId, limit: 10, state: 'failed' } as const
    const first = await storage.listDeliveries(query)
    expect(first.data).toEqual([])
    expect(first.nextCursor).not.toBeNull()
    const second = await storage.listDeliveries({ ...query, cursor: first.nextCursor ?? '' })
    expect(second).toEqual({ data: [], nextCursor: null })
    expect((await storage.listEvents({ tenantId, limit: 1, type: 'order.missing' })).nextCursor).not.toBeNull()
  })

  it('end after 300 of a webhook, which lie apart, and go on from there', async () => {
    const query = { tenantId, webhookId: quiet.id, limit: 10, state: 'failed' } as const
    let calls = 0
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<Storage['listDeliveries']>> = await storage.listDeliveries({
        ...query,
        ...(cursor !== null && { cursor }),
      })
      expect(page.data).toEqual([])
      cursor = page.nextCursor
      calls++
    } while (cursor !== null && calls < 10)
    // Of 1,600.
    expect(calls).toBe(6)
  })

  it('are what a change does not stop at: it looks through the same webhook in one call', async () => {
    const query = { tenantId, webhookId: quiet.id, state: 'failed', limit: 10 } as const
    expect(await storage.requeue(query)).toEqual({ count: 0, nextCursor: null })
  })

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

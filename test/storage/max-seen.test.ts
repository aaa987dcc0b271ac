import { describe, expect, it } from 'vitest'
import { sqliteStorage } from '../../src/storage/sqlite/sqlite-storage.ts'
import { postgresStorage } from '../../src/storage/postgres/postgres-storage.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { connectPglite } from './postgres/test-database.ts'
import { newEvent, newWebhook, tenantId } from './sqlite/rows.ts'

const other = 'another'
const adapters: Record<string, () => Promise<{ readonly storage: Storage; readonly end: () => Promise<void> }>> = {
  sqliteStorage: async () => ({ storage: sqliteStorage(':memory:'), end: async () => {} }),
  postgresStorage: async () => {
    const { client, end } = connectPglite()
    const storage = postgresStorage(client)
    await storage.migrate()
    return { storage, end }
  },
}

describe.each(Object.entries(adapters))('what one call of %s looks through', (_, open) => {
  it('is 3,000 deliveries or events of a tenant, 300 of a webhook, 10,000 for a change; the cursor goes on from there', async () => {
    const { storage, end } = await open()
    const [crowded, quiet] = [newWebhook(), newWebhook()]
    for (const webhook of [crowded, quiet]) await storage.insertWebhook(webhook)
    await enqueue(storage, crowded, 9_000)
    await enqueue(storage, quiet, 1_600)
    const scope = { tenantId, limit: 10 } as const
    const pages = (query: object) => countPages((cursor) => storage.listDeliveries({ ...scope, ...query, ...cursor }))
    // Of 10,600.
    expect(await pages({ state: 'succeeded' })).toBe(4)
    expect(await pages({ type: 'order.missing' })).toBe(4)
    expect(await pages({ after: new Date(Date.now() + 3_600_000) })).toBe(4)
    expect(await countPages((cursor) => storage.listEvents({ ...scope, type: 'order.missing', ...cursor }))).toBe(4)
    // Of 1,600.
    expect(await pages({ webhookId: quiet.id, state: 'succeeded' })).toBe(6)
    // Nothing of them is named to another tenant.
    expect(await pages({ webhookId: quiet.id, tenantId: other })).toBe(1)
    const change = { tenantId, type: 'order.missing', limit: 10 } as const
    expect(await countPages((cursor) => storage.requeue({ ...change, ...cursor }))).toBe(2)
    expect(await storage.requeue({ ...change, webhookId: quiet.id })).toEqual({ count: 0, nextCursor: null })
    await end()
  }, 60_000)

  it('is no history for those that did not succeed, unless there is a filter more: then 300 of them', async () => {
    const { storage, end } = await open()
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    const failed = await fail(storage, webhook, 2)
    await enqueue(storage, webhook, 4_000)
    for (const scope of [{}, { webhookId: webhook.id }]) {
      const all = { ...scope, tenantId, limit: 10 } as const
      const { data, nextCursor } = await storage.listDeliveries({ ...all, state: 'failed' })
      expect([data.map(({ id }) => id), nextCursor]).toEqual([failed.toReversed(), null])
      expect(await storage.listDeliveries({ ...all, state: 'cancelled' })).toEqual({ data: [], nextCursor: null })
      const first = await storage.listDeliveries({ ...all, state: 'failed', order: 'asc', limit: 1 })
      const second = await storage.listDeliveries({
        ...all,
        state: 'failed',
        order: 'asc',
        cursor: String(first.nextCursor),
      })
      expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(failed)
    }
    const narrow = { tenantId, limit: 10, state: 'failed', type: 'order.missing' } as const
    expect(await countPages((cursor) => storage.listDeliveries({ ...narrow, ...cursor }))).toBe(1)
    await fail(storage, webhook, 600)
    expect(await countPages((cursor) => storage.listDeliveries({ ...narrow, ...cursor }))).toBe(3)
    await end()
  }, 60_000)
})

async function enqueue(storage: Storage, webhook: { readonly id: string }, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1_000) {
    await storage.enqueue(Array.from({ length: Math.min(left, 1_000) }, () => newEvent([webhook])))
  }
}

async function fail(storage: Storage, webhook: { readonly id: string }, count: number): Promise<string[]> {
  const events = Array.from({ length: count }, () => newEvent([webhook]))
  const { claimed } = await storage.enqueue(events, { claimFor: { limit: count, leaseMs: 60_000 } })
  expect(claimed).toHaveLength(count)
  await storage.settle(claimed.map(({ id, lease }) => ({ id, lease, outcome: 'failed', reason: 'test' }) as const))
  return events.flatMap(({ deliveries }) => deliveries.map(({ id }) => id))
}

/** How many calls it takes to see that nothing fits. */
async function countPages(
  call: (cursor: {
    readonly cursor?: string
  }) => Promise<{ readonly data?: readonly unknown[]; readonly nextCursor: string | null }>,
): Promise<number> {
  let cursor: string | null = null
  for (let count = 1; count < 20; count++) {
    const page = await call(cursor === null ? {} : { cursor })
    expect(page.data ?? []).toEqual([])
    if (page.nextCursor === null) return count
    cursor = page.nextCursor
  }
  throw new Error('The pages do not end.')
}

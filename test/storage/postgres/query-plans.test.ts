import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { namesIn } from '../../../src/storage/postgres/names.ts'
import { PostgresTables } from '../../../src/storage/postgres/postgres-storage.ts'
import type { StoredWebhook } from '../../../src/storage/storage.ts'
import { newAttempt, newEvent, newWebhook, tenantId } from '../sqlite/rows.ts'
import { type Explained, explained, nodesOf, type PlanNode } from './explained.ts'
import { createTestDatabase, noServer, type TestDatabase } from './test-database.ts'

const big = ['deliveries', 'events', 'bodies', 'attempts', 'webhooks', 'subscriptions', 'lanes']

describe.skipIf(noServer)(
  'the query plans of postgresStorage at 100,000 parked deliveries',
  { timeout: 120_000 },
  () => {
    let database: TestDatabase
    let connection: Explained
    let storage: PostgresTables
    let webhook: StoredWebhook
    beforeAll(async () => {
      database = await createTestDatabase()
      connection = await explained()
      storage = new PostgresTables(connection.executor, database.schema, namesIn(database.schema))
      webhook = newWebhook()
      await storage.insertWebhook(webhook)
      // Here plans are made that are kept: of nearly empty tables.
      await useAll()
      const filling = database.storage()
      for (let count = 0; count < 300; count++) await filling.insertWebhook(newWebhook({ events: ['other.type'] }))
      for (let batch = 0; batch < 50; batch++) {
        await filling.enqueue(Array.from({ length: 2000 }, () => newEvent([webhook], { delayMs: 3_600_000 })))
      }
      for (let batch = 0; batch < 5; batch++) {
        await filling.enqueue(Array.from({ length: 2000 }, () => newEvent([webhook])))
        for (let call = 0; call < 2; call++) {
          const { claimed } = await filling.claim({ limit: 900, leaseMs: 60_000 })
          await filling.settle(
            claimed.map(({ id, lease }) => ({ id, lease, outcome: 'failed', reason: 'test' }) as const),
          )
        }
      }
      return async () => {
        await connection.end()
        await database.drop()
      }
    }, 120_000)
    beforeEach(() => {
      connection.plans()
    })

    /** Does once what happens with every batch of deliveries. */
    async function useAll(): Promise<void> {
      const event = newEvent([webhook])
      const { claimed } = await storage.enqueue([event], { claimFor: { limit: 1, leaseMs: 60_000 } })
      expect(claimed).toHaveLength(1)
      const key = { idempotencyKey: event.id, bodyHash: 'hash', idempotencyTtlMs: 60_000 }
      await storage.enqueue([newEvent([webhook], key)], { claimFor: { limit: 1, leaseMs: 60_000 } })
      await storage.enqueue([newEvent([webhook]), newEvent([webhook])])
      await storage.matchWebhooks([{ tenantId, patterns: ['*', 'order.*'] }])
      const more = await storage.claim({ limit: 64, leaseMs: 60_000 })
      expect(more.claimed.length).toBeGreaterThan(0)
      await storage.claim({ limit: 64, leaseMs: 60_000, ids: more.claimed.map(({ id }) => id) })
      await storage.renew(more.claimed, 60_000)
      await storage.enqueue([newEvent([webhook])])
      expect(await storage.overdue({ limit: 1000, byMs: 0 })).not.toEqual([])
      const settlements = [...claimed, ...more.claimed].map(({ id, lease }) => {
        return { id, lease, outcome: 'retry', attempt: newAttempt(1), retryInMs: 3_600_000 } as const
      })
      expect(await storage.settle(settlements)).toHaveLength(settlements.length)
      const next = await storage.enqueue([newEvent([webhook]), newEvent([webhook])], {
        claimFor: { limit: 2, leaseMs: 60_000 },
      })
      const successes = next.claimed.map(({ id, lease }) => {
        return { id, lease, outcome: 'succeeded', attempt: newAttempt(1) } as const
      })
      expect(await storage.settle(successes)).toHaveLength(2)
    }

    async function prepareStatistics(when: string): Promise<void> {
      const { schema } = database
      if (when === 'after ANALYZE') await database.query(`ANALYZE ${schema}.deliveries`)
      else await database.query(`DELETE FROM pg_statistic WHERE starelid = '${schema}.deliveries'::regclass`)
    }

    for (const when of ['as they were made of empty tables', 'after ANALYZE', 'of a new connection']) {
      it(`claim, promote, find what is overdue, match and settle by their indexes, whatever the backlog, ${when}`, async () => {
        if (when === 'of a new connection') {
          await connection.end()
          connection = await explained()
          storage = new PostgresTables(connection.executor, database.schema, namesIn(database.schema))
        }
        if (when === 'after ANALYZE')
          await database.query(`ANALYZE ${big.map((t) => `${database.schema}.${t}`).join(', ')}`)
        await useAll()
        const plans = connection.plans()
        expect(plans.length).toBeGreaterThan(10)
        const nodes = plans.flatMap(nodesOf)
        const scans = nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name'])
        expect(scans.filter((table) => big.includes(table ?? ''))).toEqual([])
        const indexes = new Set(nodes.map((node) => node['Index Name']))
        expect(indexes).toContain('deliveries_ready')
        expect(indexes).toContain('deliveries_waiting')
        expect(indexes).toContain('deliveries_leased')
        for (const wide of ['deliveries_listed', 'deliveries_of_webhook']) expect(indexes).not.toContain(wide)
        expect(nodes.filter(readsAllOfIndex)).toEqual([])
        // Rows of the batch are joined by hashing: comparing each with each other grows with the square.
        expect(nodes.filter(comparesAll)).toEqual([])
      })
    }

    it('are of functions that plan once, without JIT, by indexes', async () => {
      const functions = await database.query(
        `SELECT proname AS name, proconfig AS settings FROM pg_proc WHERE pronamespace = '${database.schema}'::regnamespace`,
      )
      expect(functions).toHaveLength(13)
      const usual = ['enable_seqscan=off', 'enable_nestloop=off', 'jit=off', 'plan_cache_mode=force_generic_plan']
      for (const { name, settings } of functions) {
        const isSettling = String(name).startsWith('settle_optimistically')
        expect(settings).toEqual(isSettling ? [...usual, 'enable_hashjoin=off'] : usual)
      }
    })

    it('list a webhook and a tenant in the order of an index, and count without reading the table', async () => {
      await database.query(`ANALYZE ${database.schema}.deliveries`)
      for (const scope of [{}, { webhookId: webhook.id }]) {
        await storage.listDeliveries({ ...scope, tenantId, limit: 10 })
        await storage.listDeliveries({ ...scope, tenantId, limit: 10, state: 'succeeded' })
      }
      const lists = connection.plans().flatMap(nodesOf)
      await storage.stats({})
      const counts = connection.plans().flatMap(nodesOf)
      expect(lists.length).toBeGreaterThan(0)
      expect(counts.length).toBeGreaterThan(0)
      expect([...lists, ...counts].filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([])
      expect(lists.filter((node) => node['Node Type'] === 'Sort')).toEqual([])
    })

    it('count the backlog of a tenant without those of others', async () => {
      await prepareStatistics('after ANALYZE')
      connection.plans()
      await storage.stats({ tenantId: 'quiet' })
      const indexes = connection.plans().flatMap(nodesOf)
      const queued = indexes.filter((node) => node['Index Name'] === 'deliveries_queued')
      expect(queued.map((node) => node['Node Type'])).toEqual(['Index Only Scan', 'Index Only Scan'])
      const used = indexes.flatMap((node) => (node['Index Name'] === undefined ? [] : [node['Index Name']]))
      const counting = used.filter((name) => name.startsWith('deliveries_'))
      expect(new Set(counting)).toEqual(new Set(['deliveries_queued', 'deliveries_leased']))
      expect(indexes.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([])
    })

    for (const when of ['without statistics', 'after ANALYZE']) {
      it(`list what did not succeed by the index that holds nothing else, ${when}`, async () => {
        await prepareStatistics(when)
        for (const scope of [{}, { webhookId: webhook.id }]) {
          for (const state of ['failed', 'cancelled', 'skipped'] as const) {
            connection.plans()
            await storage.listDeliveries({ ...scope, tenantId, limit: 10, state })
            const nodes = connection.plans().flatMap(nodesOf)
            const used = nodes
              .flatMap((node) => node['Index Name'] ?? [])
              .filter((name) => name.startsWith('deliveries_'))
            // To one webhook go all deliveries of the tenant here: either of the two will do. Between the ids of those that are looked through, the
            // primary key finds as few.
            expect(used.length).toBeGreaterThan(0)
            expect(used.filter((name) => !/^deliveries_(undelivered|pkey)/.test(name))).toEqual([])
            expect(nodes.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([])
            // How many there are is to be known before the planner can know that sorting them is dearer.
            const sorts = nodes.filter((node) => node['Node Type'] === 'Sort')
            expect(when === 'after ANALYZE' ? sorts : []).toEqual([])
          }
        }
      })
    }
  },
)

/** Without a condition, an index is read from end to end, what was removed since the last vacuum included. */
function readsAllOfIndex(node: PlanNode): boolean {
  return node['Index Name'] !== undefined && node['Index Cond'] === undefined
}

function comparesAll(node: PlanNode): boolean {
  if (node['Node Type'] !== 'Nested Loop') return false
  const inner = node.Plans?.at(-1)
  return inner?.['Node Type'] === 'CTE Scan'
}

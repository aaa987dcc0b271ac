import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { namesIn } from '../../../src/storage/postgres/names.ts'
import { PostgresTables } from '../../../src/storage/postgres/postgres-storage.ts'
import type { SqlParameter } from '../../../src/storage/sql-executor.ts'
import type { StoredWebhook } from '../../../src/storage/storage.ts'
import { newAttempt, newEvent, newWebhook, tenantId } from '../sqlite/rows.ts'
import { createTestDatabase, noServer, type TestDatabase } from './test-database.ts'

// Below what Postgres compiles a statement for, which takes longer than the statement (jit_above_cost is 100,000).
const maxCost = 50_000

describe.skipIf(noServer)(
  'the query plans of postgresStorage at 100,000 parked deliveries',
  { timeout: 120_000 },
  () => {
    let database: TestDatabase
    let statements: { readonly sql: string; readonly params: readonly SqlParameter[] }[]
    let storage: PostgresTables
    let webhook: StoredWebhook
    beforeAll(async () => {
      database = await createTestDatabase()
      const names = namesIn(database.schema)
      const query = async (sql: string, params: readonly SqlParameter[]) => {
        statements.push({ sql, params: [...params] })
        return await database.query(sql, [...params])
      }
      statements = []
      storage = new PostgresTables({ query }, database.schema, names)
      webhook = newWebhook()
      await storage.insertWebhook(webhook)
      for (let count = 0; count < 300; count++) await storage.insertWebhook(newWebhook({ events: ['other.type'] }))
      for (let batch = 0; batch < 50; batch++) {
        await storage.enqueue(Array.from({ length: 2000 }, () => newEvent([webhook], { delayMs: 3_600_000 })))
      }
      for (let batch = 0; batch < 5; batch++) {
        await storage.enqueue(Array.from({ length: 2000 }, () => newEvent([webhook])))
        for (let call = 0; call < 2; call++) {
          const { claimed } = await storage.claim({ limit: 900, leaseMs: 60_000 })
          await storage.settle(
            claimed.map(({ id, lease }) => ({ id, lease, outcome: 'failed', reason: 'test' }) as const),
          )
        }
      }
      return database.drop
    }, 120_000)
    beforeEach(() => {
      statements = []
    })

    const plansOf = async (): Promise<Node[]> => {
      const plans = []
      for (const { sql, params } of statements) {
        const rows = await database.query(`EXPLAIN (FORMAT JSON) ${sql}`, [...params])
        // What FORMAT JSON answers.
        const [answer] = rows as unknown as [{ readonly 'QUERY PLAN': readonly [{ readonly Plan: Node }] }]
        plans.push(answer['QUERY PLAN'][0].Plan)
      }
      return plans
    }

    for (const isAnalyzed of [false, true]) {
      const when = isAnalyzed ? 'after ANALYZE' : 'without statistics'

      it(`claim, promote and match by their indexes, whatever the backlog, ${when}`, async () => {
        if (isAnalyzed) await database.query(`ANALYZE ${database.schema}.deliveries, ${database.schema}.webhooks`)
        const event = newEvent([webhook])
        const { claimed } = await storage.enqueue([event], { claimFor: { limit: 1, leaseMs: 60_000 } })
        expect(claimed).toHaveLength(1)
        await storage.matchWebhooks([{ tenantId, patterns: ['*', 'order.*'] }])
        const more = await storage.claim({ limit: 64, leaseMs: 60_000 })
        expect(more.claimed).toHaveLength(64)
        await storage.claim({ limit: 64, leaseMs: 60_000, ids: more.claimed.map(({ id }) => id) })
        await storage.renew(more.claimed, 60_000)
        const settlements = [...claimed, ...more.claimed].map(({ id, lease }) => {
          return { id, lease, outcome: 'retry', attempt: newAttempt(1), retryInMs: 3_600_000 } as const
        })
        await storage.settle(settlements)
        const plans = await plansOf()
        expect(plans.length).toBeGreaterThan(6)
        const nodes = plans.flatMap(nodesOf)
        const scans = nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name'])
        // Small tables are read as a whole, and rightly.
        expect(scans.filter((table) => table === 'deliveries' || table === 'events' || table === 'bodies')).toEqual([])
        const indexes = new Set(nodes.map((node) => node['Index Name']))
        expect(indexes).toContain('deliveries_ready')
        expect(indexes).toContain('deliveries_waiting')
        expect(indexes).toContain('deliveries_leased')
        for (const wide of ['deliveries_listed', 'deliveries_of_webhook']) expect(indexes).not.toContain(wide)
        for (const plan of plans) expect(plan['Total Cost']).toBeLessThan(maxCost)
      })
    }

    it('list a webhook and a tenant in the order of an index, and count without reading the table', async () => {
      await database.query(`ANALYZE ${database.schema}.deliveries`)
      for (const scope of [{}, { webhookId: webhook.id }]) {
        await storage.listDeliveries({ ...scope, tenantId, limit: 10 })
        await storage.listDeliveries({ ...scope, tenantId, limit: 10, state: 'succeeded' })
      }
      await storage.stats({})
      const plans = await plansOf()
      const nodes = plans.flatMap(nodesOf)
      expect(nodes.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([])
      expect(
        plans
          .slice(0, -1)
          .flatMap(nodesOf)
          .filter((node) => node['Node Type'] === 'Sort'),
      ).toEqual([])
      for (const plan of plans) expect(plan['Total Cost']).toBeLessThan(maxCost)
    })
  },
)

/** What is looked at of a node of a plan. */
interface Node {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Total Cost': number
  readonly Plans?: readonly Node[]
}

function nodesOf(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}

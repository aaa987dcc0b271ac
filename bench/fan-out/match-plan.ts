import { EventDispatcher, type Storage, WebhookRegistry } from 'posthorn'
import { fromPg, postgresStorage, type SqlExecutor, type SqlParameter } from 'posthorn/postgres'
import { openSchema } from '../harness/postgres-schema.ts'

/** How Postgres finds the webhooks of an event. */
export interface MatchPlan {
  readonly webhooks: number
  readonly matching: number
  /** The most rows that any step of the plan reads, filtered ones included. */
  readonly rowsRead: number
  /** The plan, as `EXPLAIN ANALYZE` has it. */
  readonly text: string
}

interface Node {
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly Node[]
}

/** Registers webhooks of which one in a hundred matches, and has the statement that finds these explained. */
export async function explainMatch(webhooks: number): Promise<MatchPlan> {
  const { pool, schema, remove } = await openSchema()
  const queries: { sql: string; params: readonly SqlParameter[] }[] = []
  const executor: SqlExecutor = {
    query: async (sql, params) => {
      queries.push({ sql, params })
      return await fromPg(pool).query(sql, params)
    },
  }
  const storage = postgresStorage(executor, { schema })
  try {
    await storage.migrate()
    await insertWebhooks(storage, webhooks)
    await pool.query(`ANALYZE ${schema}.webhooks, ${schema}.subscriptions`)
    queries.length = 0
    const dispatcher = new EventDispatcher({ registry: new WebhookRegistry({ storage }) })
    const { deliveries: matching } = await dispatcher.dispatch('wanted.event', {})
    const query = queries.find(({ sql }) => sql.includes('subscriptions'))
    if (query === undefined) throw new Error('Dispatching asked the database for no webhooks.')
    const explain = async (format: string) =>
      (await pool.query(`EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT ${format}) ${query.sql}`, [...query.params]))
        .rows
    const [json] = (await explain('JSON')) as { 'QUERY PLAN': { Plan: Node }[] }[] // as Postgres documents it
    const root = json?.['QUERY PLAN'][0]?.Plan
    if (root === undefined) throw new Error('EXPLAIN gave no plan.')
    const text = ((await explain('TEXT')) as { 'QUERY PLAN': string }[]).map((row) => row['QUERY PLAN']).join('\n')
    return { webhooks, matching, rowsRead: mostRows(root), text }
  } finally {
    await remove()
  }
}

function mostRows(node: Node): number {
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
  const own = (node['Actual Rows'] + removed) * node['Actual Loops']
  return Math.max(own, ...(node.Plans ?? []).map(mostRows))
}

async function insertWebhooks(storage: Storage, webhooks: number): Promise<void> {
  const now = new Date()
  let next = 0
  const insert = async () => {
    while (next < webhooks) {
      const number = next++
      await storage.insertWebhook({
        id: `00000000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`,
        tenantId: 'default',
        name: `w${number}`,
        url: 'https://example.com/',
        events: number % 100 === 0 ? ['wanted.*'] : [`other_${number % 50}.event`, 'something.else'],
        isActive: true,
        disabledReason: null,
        description: null,
        metadata: {},
        sealed: '{}',
        maxInFlight: 10,
        gateUntil: null,
        createdBy: null,
        version: 1,
        createdAt: now,
        updatedAt: now,
      })
    }
  }
  await Promise.all(Array.from({ length: 10 }, insert))
}

import { EventDispatcher, type Storage, WebhookRegistry } from 'posthorn'
import { fromPg, postgresStorage } from 'posthorn/postgres'
import { openSchema } from '../harness/postgres-schema.ts'

/** How Postgres finds the webhooks of an event. */
export interface MatchPlan {
  readonly webhooks: number
  readonly matching: number
  /** The most rows that any step of the plan reads, filtered ones included. */
  readonly rowsRead: number
  /** The plan, as auto_explain notes it. */
  readonly text: string
}

interface Node {
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly Node[]
}

/** Registers webhooks of which one in a hundred matches, and notes the plan by which these are found. */
export async function explainMatch(webhooks: number): Promise<MatchPlan> {
  const { pool, schema, remove } = await openSchema()
  const client = await pool.connect()
  const storage = postgresStorage(fromPg(client), { schema })
  try {
    await storage.migrate()
    await insertWebhooks(postgresStorage(pool, { schema }), webhooks)
    await client.query(`ANALYZE ${schema}.webhooks, ${schema}.subscriptions`)
    const dispatcher = new EventDispatcher({ registry: new WebhookRegistry({ storage, encryption: 'none' }) })
    const explain = async (format: string) => {
      const plans: string[] = []
      const note = ({ message = '' }: { readonly message?: string | undefined }) => {
        const [, plan] = message.split(/^duration: .* plan:\n/)
        if (plan?.includes('subscriptions_pkey') === true) plans.push(plan)
      }
      client.on('notice', note)
      for (const sql of [...settings, `SET auto_explain.log_format = ${format}`]) await client.query(sql)
      const { deliveries } = await dispatcher.dispatch('wanted.event', {})
      client.off('notice', note)
      const [plan] = plans
      if (plan === undefined) throw new Error('Dispatching asked the database for no webhooks.')
      return { plan, deliveries }
    }
    const { plan, deliveries: matching } = await explain('json')
    const { Plan: root } = JSON.parse(plan) as { readonly Plan: Node } // as auto_explain writes it
    const { plan: text } = await explain('text')
    return {
      webhooks,
      matching,
      rowsRead: mostRows(root),
      text: text.replace(/^Query Text:[\s\S]*?\n(?=\S.*actual)/, ''),
    }
  } finally {
    client.release()
    await remove()
  }
}

// The plan of a statement within a function can be had no other way.
const settings = [
  "LOAD 'auto_explain'",
  'SET auto_explain.log_min_duration = 0',
  'SET auto_explain.log_nested_statements = on',
  'SET auto_explain.log_analyze = on',
  'SET auto_explain.log_timing = off',
  'SET client_min_messages = log',
]

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

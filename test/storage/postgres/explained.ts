import { Client } from 'pg'
import type { SqlExecutor } from '../../../src/storage/sql-executor.ts'
import { serverUrl } from './server.ts'

/** What is looked at of a node of a plan. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly 'Plan Rows': number
  readonly Plans?: readonly PlanNode[]
}

/** A connection that notes the plan of each statement that it runs, those within functions too. */
export interface Explained {
  readonly executor: SqlExecutor
  /** The plans since the last call. */
  readonly plans: () => PlanNode[]
  readonly end: () => Promise<void>
}

/** Connects; the role must be allowed to `LOAD 'auto_explain'`, which comes with Postgres. */
export async function explained(): Promise<Explained> {
  const client = new Client({ connectionString: serverUrl })
  await client.connect()
  for (const sql of [
    "LOAD 'auto_explain'",
    'SET auto_explain.log_min_duration = 0',
    'SET auto_explain.log_nested_statements = on',
    'SET auto_explain.log_format = json',
    'SET client_min_messages = log',
  ])
    await client.query(sql)
  let plans: PlanNode[] = []
  client.on('notice', ({ message = '' }) => {
    const json = /^duration: [\d.]+ ms {2}plan:\n(\{[\s\S]*\})$/.exec(message)?.[1]
    // What auto_explain writes.
    if (json !== undefined) plans.push((JSON.parse(json) as { readonly Plan: PlanNode }).Plan)
  })
  return {
    executor: { query: async (sql, params) => (await client.query<Record<string, unknown>>(sql, [...params])).rows },
    plans: () => {
      const noted = plans
      plans = []
      return noted
    },
    end: () => client.end(),
  }
}

/** A node with all below it. */
export function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}

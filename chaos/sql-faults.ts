import { createHash } from 'node:crypto'
import type { SqlExecutor } from 'posthorn/postgres'

/** An executor that carries out something else than what the engine asks for. `worker` is the worker's name. */
type SqlFault = (executor: SqlExecutor, worker: string) => SqlExecutor

/** Faults of an engine that come to light in its statements; those of its order of doing things are in `seeded-faults.ts`. */
export const sqlFaults: Readonly<Record<string, SqlFault>> = {
  /** Takes the write of whoever once held a delivery. */
  'no fence': (executor) => ({
    query: async (sql, params) =>
      await executor.query(
        sql.replaceAll('AND i.lease = d.lease', '').replace(`AND d.phase = 'leased' ORDER BY`, 'ORDER BY'),
        params,
      ),
  }),
  /** Names a hold after its worker, so that the worker's old hold passes for its new one. */
  'lease by worker name': (executor, worker) => ({
    query: async (sql, params) =>
      await executor.query(sql.replaceAll('gen_random_uuid()', `'${uuidOf(worker)}'::uuid`), params),
  }),
  /** Writes the new state, and then what was met. */
  'attempt log outside the transaction': (executor) => ({
    query: async (sql, params) => {
      const insert = /recorded AS \(\s+(INSERT INTO[\s\S]+?RETURNING delivery_id, status)\s+\)/.exec(sql)?.[1]
      if (insert === undefined) return await executor.query(sql, params)
      const states = sql.replace(insert, 'SELECT id AS delivery_id, status FROM held WHERE number IS NOT NULL')
      const rows = await executor.query(states, params)
      const settled = new Set(rows.map(({ row }) => (JSON.parse(String(row)) as { n: number }).n)) // of settle.ts
      const inputs = (JSON.parse(String(params[0])) as { n: number }[]).filter(({ n }) => settled.has(n)) // likewise
      await new Promise((resolve) => setTimeout(resolve, 10))
      const inputOnly = sql.slice(0, sql.indexOf('held AS MATERIALIZED')).trimEnd().replace(/,$/, '')
      await executor.query(`${inputOnly} ${insert.replace('FROM held', 'FROM input')}`, [JSON.stringify(inputs)])
      return rows
    },
  }),
}

/** The executor with a fault, or as it is where the fault is none of these. */
export function withSqlFault(executor: SqlExecutor, name: string, worker: string): SqlExecutor {
  return sqlFaults[name]?.(executor, worker) ?? executor
}

function uuidOf(name: string): string {
  const hex = createHash('md5').update(name).digest('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

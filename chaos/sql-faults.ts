import { createHash } from 'node:crypto'
import type { SqlExecutor } from 'posthorn/postgres'

/** An executor that carries out something else than what the engine asks for. `worker` is the worker's name. */
type SqlFault = (executor: SqlExecutor, worker: string) => SqlExecutor

/** Faults of an engine that come to light in its statements; those of its order of doing things are in `seeded-faults.ts`. */
export const sqlFaults: Readonly<Record<string, SqlFault>> = {
  /** Takes the write of whoever once held a delivery. */
  'no fence': (executor) =>
    calling(executor, 'unfenced', (definition) => {
      const unfenced = definition.replaceAll('AND i.lease = d.lease', '')
      // A fence that is written in another way would stay, and the fault would be none.
      if (unfenced === definition && /^CREATE .*settle_/.test(definition))
        throw new Error('a function that settles does not compare leases as `AND i.lease = d.lease`')
      return unfenced
    }),
  /** Names a hold after its worker, so that the worker's old hold passes for its new one. */
  'lease by worker name': (executor, worker) =>
    calling(executor, worker.replaceAll(/\W/g, '_'), (definition) =>
      definition.replaceAll('gen_random_uuid()', `'${uuidOf(worker)}'::uuid`),
    ),
  /** Writes the new state, and then what was met. */
  'attempt log outside the transaction': (executor) => {
    const states = calling(executor, 'states', (definition) =>
      definition.replace(recording(definition), 'SELECT id AS delivery_id FROM held WHERE number IS NOT NULL'),
    )
    const attempts = calling(executor, 'attempts', (definition) => {
      const start = definition.indexOf('WITH input AS')
      const input = definition.slice(start, definition.indexOf('held AS MATERIALIZED')).trimEnd().replace(/,$/, '')
      const end = definition.indexOf('RETURN answer')
      const deliveries = /FROM (\S+) d JOIN input i/.exec(definition)?.[1]
      if (deliveries === undefined) throw new Error('the function that settles does not join deliveries as it did')
      const counted = `(SELECT i.* FROM input i JOIN ${deliveries} d ON d.id = i.id AND d.attempt_count >= i.number) counted`
      const insert = recording(definition).replace('FROM held', `FROM ${counted}`).replace('RETURNING delivery_id', '')
      return `${definition.slice(0, start)}${input} ${insert};\n${definition.slice(end)}`
    })
    return {
      query: async (sql, params) => {
        // As where an attempt has been recorded before, so that all is settled by the one function.
        if (sql.includes('.settle_optimistically_')) throw Object.assign(new Error('not so'), { code: '23505' })
        if (!sql.includes('.settle_')) return await executor.query(sql, params)
        const rows = await states.query(sql, params)
        await new Promise((resolve) => setTimeout(resolve, 10))
        await attempts.query(sql, params)
        return rows
      },
    }
  },
}

/** The executor with a fault, or as it is where the fault is none of these. */
export function withSqlFault(executor: SqlExecutor, name: string, worker: string): SqlExecutor {
  return sqlFaults[name]?.(executor, worker) ?? executor
}

/** Calls, in place of each function of the schema, a copy of it that is changed; `suffix` tells the copies apart. */
function calling(executor: SqlExecutor, suffix: string, change: (definition: string) => string): SqlExecutor {
  const copies = new Map<string, Promise<void>>()
  return {
    async query(sql, params) {
      const name = /^SELECT (\S+_[0-9a-f]{10})\(/.exec(sql)?.[1]
      if (name === undefined) return await executor.query(sql, params)
      const copy = `${name}_${suffix}`
      let made = copies.get(name)
      if (made === undefined) copies.set(name, (made = create(executor, name, copy, change)))
      await made
      return await executor.query(sql.replace(name, copy), params)
    },
  }
}

// As often as it takes while another worker creates the same copy.
async function create(executor: SqlExecutor, name: string, copy: string, change: (definition: string) => string) {
  const [row] = await executor.query('SELECT pg_get_functiondef($1::regproc) AS definition', [name])
  const definition = String(row?.['definition'])
  const sql = changed(definition, change).replace(`${unquoted(name)}(`, `${unquoted(copy)}(`)
  for (let tries = 1; ; tries++) {
    try {
      await executor.query(sql, [])
      return
    } catch (error) {
      if (tries === 10) throw error
      await new Promise((resolve) => setTimeout(resolve, 50 * Math.random()))
    }
  }
}

// A fault that cannot be brought in is no outage for the sender to live through: it ends by it.
function changed(definition: string, change: (definition: string) => string): string {
  try {
    return change(definition)
  } catch (error) {
    setImmediate(() => {
      throw error
    })
    throw error
  }
}

/** The part of the function that settles which writes attempts. */
function recording(definition: string): string {
  const insert = /recorded AS \(\s+(INSERT INTO[\s\S]+?RETURNING delivery_id)\s+\)/.exec(definition)?.[1]
  if (insert === undefined) throw new Error('the function that settles does not write attempts where it did')
  return insert
}

// As pg_get_functiondef writes names.
function unquoted(qualified: string): string {
  return qualified.replaceAll('"', '')
}

function uuidOf(name: string): string {
  const hex = createHash('md5').update(name).digest('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

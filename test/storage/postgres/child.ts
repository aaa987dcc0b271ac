// Run as a process of its own: node child.ts <task> <schema>. Prints one line for each thing that was done.
import { writeSync } from 'node:fs'
import { Pool } from 'pg'
import { postgresStorage } from '../../../src/storage/postgres/postgres-storage.ts'
import { newAttempt, newEvent } from '../sqlite/rows.ts'
import { serverUrl } from './server.ts'

const [task, schema = '', webhookId = ''] = process.argv.slice(2)
const pool = new Pool({ connectionString: serverUrl, max: 3 })
const storage = postgresStorage(pool, { schema })

// Synchronous, so that what was acknowledged is printed before a kill.
const print = (line: string) => writeSync(1, `${line}\n`)

async function deliverAll(): Promise<void> {
  for (let call = 0; call < 10_000; call++) {
    const { claimed, nextDueInMs } = await storage.claim({ limit: 4, leaseMs: 60_000 })
    if (claimed.length === 0 && nextDueInMs === null) return
    for (const { id, lease } of claimed) {
      print(id)
      await storage.settle([{ id, lease, outcome: 'succeeded', attempt: newAttempt(1) }])
    }
  }
}

async function enqueueForever(): Promise<void> {
  for (let call = 0; call < 1_000_000; call++) {
    const event = newEvent([{ id: webhookId }])
    await storage.enqueue([event])
    print(event.id)
  }
}

if (task === 'deliver') await deliverAll()
else if (task === 'enqueue') await enqueueForever()
else if (task === 'migrate') await storage.migrate()
else throw new TypeError(`unknown task ${task}`)
await pool.end()

// Run as a process of its own: node child.ts <task> <file> <webhook id>. Prints one line for each thing that was answered.
import { writeSync } from 'node:fs'
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite-storage.ts'
import { newEvent, newWebhook } from './rows.ts'

const [task, file = '', webhookId = ''] = process.argv.slice(2)
const storage = sqliteStorage(file)

// Synchronous, so that what was acknowledged is printed before a kill.
const print = (line: string) => writeSync(1, `${line}\n`)

async function claimAll(): Promise<void> {
  for (let call = 0; call < 10_000; call++) {
    const { claimed } = await storage.claim({ limit: 7, leaseMs: 600_000 })
    for (const { id } of claimed) print(id)
    if (claimed.length === 0) return
  }
}

async function enqueueForever(): Promise<void> {
  for (let call = 0; call < 1_000_000; call++) {
    const events = Array.from({ length: 5 }, () => newEvent([{ id: webhookId }, newWebhook()]))
    await Promise.all(events.map((event) => storage.enqueue([event])))
    for (const { id } of events) print(id)
  }
}

async function insert(): Promise<void> {
  const webhook = newWebhook()
  await storage.insertWebhook(webhook)
  print(webhook.id)
}

if (task === 'claim') await claimAll()
else if (task === 'enqueue') await enqueueForever()
else if (task === 'insert') await insert()
else throw new TypeError(`unknown task ${task}`)
await storage.close()

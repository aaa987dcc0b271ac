// An app whose database goes away: dispatches an event every few milliseconds, says which were accepted, and delivers. Told to stop, it
// delivers what is left and ends with exit code 0.
import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'pg'
import { EventDispatcher, PosthornError, WebhookRegistry } from 'posthorn'
import { loopback } from './loopback.ts'
import { postgresStorage } from 'posthorn/postgres'

const [connectionString = '', schema = '', url = '', statementTimeoutMs = '10000'] = process.argv.slice(2)
// As the documentation says: without connectionTimeoutMillis, a pool waits for ever for a server that accepts and does not answer.
const pool = new Pool({ connectionString, max: 10, connectionTimeoutMillis: 5_000 })
const storage = postgresStorage(pool, { schema, statementTimeoutMs: Number(statementTimeoutMs) })
const registry = new WebhookRegistry({ storage, addresses: loopback })
const dispatcher = new EventDispatcher({
  registry,
  leaseMs: 5_000,
  schedule: Array.from({ length: 20 }, () => 200),
})
await registry.create({ name: 'chaos', url, events: ['*'], maxInFlight: 16 })
await dispatcher.start()

let isStopping = false
process.once('SIGTERM', () => (isStopping = true))

const underWay = new Set<Promise<void>>()
for (let n = 0; !isStopping; n++) {
  const one = dispatchOne(n).finally(() => underWay.delete(one))
  underWay.add(one)
  await pause(20)
}
await Promise.all(underWay)
for (;;) {
  await dispatcher.drain()
  const { ready, waiting, leased } = await storage.stats({})
  if (ready + waiting + leased === 0) break
  await pause(50)
}
await dispatcher.stop()
await pool.end()

async function dispatchOne(n: number): Promise<void> {
  const begunAt = Date.now()
  try {
    const { eventId } = await dispatcher.dispatch('chaos.event', { n })
    process.stdout.write(`accepted ${eventId} ${begunAt}\n`)
  } catch (error) {
    process.stdout.write(`rejected ${error instanceof PosthornError ? error.code : String(error)} ${begunAt}\n`)
  }
}

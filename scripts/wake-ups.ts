// Compares how a dispatch of one process reaches another: by polling, by NOTIFY, by BullMQ. Both ends are in this process, with pools of their own.
// Run: npm run build && node --no-warnings scripts/wake-ups.ts. Needs DATABASE_URL and REDIS_URL, or both servers on their usual ports.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client, Pool } from 'pg'
import { EventDispatcher, type EventDispatcherOptions, WebhookRegistry } from 'posthorn'
import { bullmqTransport } from 'posthorn/bullmq'
import { postgresStorage, type PostgresStorageOptions } from 'posthorn/postgres'

const rounds = Number(process.argv[2] ?? 5)
const singles = 20
const burst = 1000
const connectionString = process.env['DATABASE_URL'] ?? 'postgres://root@127.0.0.1:5432/test'
const connection = { url: process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379' }

const arrivals = new Map<string, number>()
const server = createServer((request, response) => {
  arrivals.set(String(request.headers['webhook-id']), performance.now())
  request.resume().on('end', () => response.writeHead(204).end())
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/` // a TCP server has one

const ways = {
  polling: await way({}, () => ({})),
  notify: await way({ notify: true, listen: () => new Client({ connectionString }) }, () => ({})),
  bullmq: await way({}, (name) => ({
    transport: bullmqTransport({ connection, queueName: name, checkDurability: false }),
  })),
}
const latencies: Record<string, number[]> = {}
const rates: Record<string, number[]> = {}
for (let round = 0; round < rounds; round++) {
  for (const [name, { web }] of Object.entries(ways)) {
    for (let single = 0; single < singles; single++) {
      const sentAt = performance.now()
      const { eventId } = await web.dispatch('bench.single', {})
      const arrivedAt = await arrival(eventId)
      ;(latencies[name] ??= []).push(arrivedAt - sentAt)
      // Long enough for the adaptive poll to slow down, as it does between the events of a quiet app.
      await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 200))
    }
    const events = Array.from({ length: burst }, (_, n) => ({ type: 'bench.burst', data: { n } }))
    const startedAt = performance.now()
    const results = await web.dispatchMany(events)
    const last = await Promise.all(results.map(({ eventId }) => arrival(eventId)))
    ;(rates[name] ??= []).push((burst / (Math.max(...last) - startedAt)) * 1000)
  }
}
for (const name of Object.keys(ways)) {
  const at = (part: number) => quantile(latencies[name] ?? [], part).toFixed(0)
  console.log(
    `${name}: latency p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; burst ${quantile(rates[name] ?? [], 0.5).toFixed(0)}/s`,
  )
}
for (const { end } of Object.values(ways)) await end()
server.closeAllConnections()
server.close()

async function way(storageOptions: PostgresStorageOptions, options: (name: string) => Partial<EventDispatcherOptions>) {
  const schema = `posthorn_bench_${process.pid}_${Math.random().toString(36).slice(2, 8)}`
  const pools = [0, 1, 2].map(() => new Pool({ connectionString, max: 5 }))
  const dispatchers = pools.map((each) => {
    const registry = new WebhookRegistry({
      storage: postgresStorage(each, { schema, ...storageOptions }),
      addresses: { allow: ['127.0.0.0/8'], allowHttp: true },
    })
    return { registry, dispatcher: new EventDispatcher({ registry, ...options(schema) }) }
  })
  const [pool] = pools
  const [web] = dispatchers
  if (pool === undefined || web === undefined) throw new Error('there are three of each')
  await postgresStorage(pool, { schema }).migrate()
  await web.registry.create({ name: 'bench', url, events: ['*'], maxInFlight: 100 })
  for (const { dispatcher } of dispatchers.slice(1)) await dispatcher.start()
  const end = async () => {
    for (const { dispatcher } of dispatchers) await dispatcher.stop()
    await pool.query(`DROP SCHEMA ${schema} CASCADE`)
    for (const each of pools) await each.end()
  }
  return { web: web.dispatcher, end }
}

async function arrival(eventId: string): Promise<number> {
  for (;;) {
    const at = arrivals.get(eventId)
    if (at !== undefined) return at
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? Number.NaN
}

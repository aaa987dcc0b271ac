// A sender that is killed at any moment: dispatches the events from..to of a run, says which were accepted, and delivers.
// With from = to it only delivers what is left, and ends by itself.
import { EventDispatcher, WebhookRegistry } from 'posthorn'
import { sqliteStorage } from 'posthorn/sqlite'
import { withFault } from './seeded-faults.ts'

const [path = '', url = '', from = '0', to = '0', inFlight = '16'] = process.argv.slice(2)
const storage = withFault(sqliteStorage(path), process.env['CHAOS_FAULT'])
const registry = new WebhookRegistry({ storage, addresses: { allow: ['127.0.0.0/8'], allowHttp: true } })
const dispatcher = new EventDispatcher({
  registry,
  concurrency: Number(inFlight),
  leaseMs: 1000,
  pollIntervalMs: 100,
  retry: { retries: 3, minTimeout: 20 },
  schedule: Array.from({ length: 20 }, () => 200),
})

if ((await registry.list()).data.length === 0) {
  await registry.create({ name: 'chaos', url, events: ['*'], maxInFlight: Number(inFlight) })
}
await dispatcher.start()
process.once('SIGTERM', () => {
  void dispatcher.stop().then(async () => {
    await storage.close()
    process.exit(0)
  })
})

let next = Number(from)
await Promise.all(
  Array.from({ length: 16 }, async () => {
    while (next < Number(to)) {
      const n = next++
      // The key makes an event that was accepted, but not heard of, the same one when it is dispatched again.
      const { eventId } = await dispatcher.dispatch('chaos.event', { n }, { idempotencyKey: `event-${n}` })
      process.stdout.write(`${n} ${eventId}\n`)
    }
  }),
)
if (Number(from) < Number(to)) {
  process.stdout.write('done\n')
  // Goes on delivering until it is killed.
} else {
  for (;;) {
    await dispatcher.drain()
    const { ready, waiting, leased } = await storage.stats({})
    if (ready + waiting + leased === 0) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await dispatcher.stop()
  await storage.close()
}

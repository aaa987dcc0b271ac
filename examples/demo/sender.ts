/**
 * The demo's sender: a process of its own that keeps everything in a SQLite file. It registers and dispatches what its task says,
 * then delivers until nothing is pending. Killed at any moment and started again on the same file, it delivers the rest.
 *
 *     node sender.ts <database file> each-type | burst | rest
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { EventDispatcher, ipaScheme, standardWebhooks, WebhookRegistry } from 'posthorn'
import { sqliteStorage } from 'posthorn/sqlite'
import { events } from '../events.ts'

const [database = 'demo.db', task = 'rest'] = process.argv.slice(2)
const { RECEIVER_URL: receiverUrl = '', WEBHOOK_SECRET: secret = '' } = process.env

const storage = sqliteStorage(database)
const registry = new WebhookRegistry({ storage, events, addresses: { allow: ['127.0.0.0/8'], allowHttp: true } })
const dispatcher = new EventDispatcher({
  registry,
  schemes: [standardWebhooks, ipaScheme],
  retry: { minTimeout: 100 },
  // A killed sender's deliveries are free again once their leases have run out: after a second here, so that nobody has to wait.
  leaseMs: task === 'burst' ? 1_000 : 30_000,
})
dispatcher.on('worker.error', ({ error, during }) => console.error(`The sender failed at ${during}.`, error))

await dispatcher.start()
if (task === 'each-type') await dispatchEachType()
if (task === 'burst') await dispatchBurst()
await untilDelivered()
await dispatcher.stop()
await storage.close()

async function dispatchEachType(): Promise<void> {
  const hooks = { steady: events.types, flaky: ['execution.completed'], failing: ['execution.failed'] }
  for (const [name, types] of Object.entries(hooks)) {
    await registry.create({ name, url: `${receiverUrl}/${name}`, events: types, secret })
  }
  await dispatcher.dispatch('workflow.created', { workflowId: 'w1', name: 'Nightly report' })
  await dispatcher.dispatch('workflow.updated', { workflowId: 'w1', changed: ['name'] })
  await dispatcher.dispatch('execution.started', { executionId: 'e1', workflowId: 'w1' })
  await dispatcher.dispatch('execution.completed', { executionId: 'e1', durationMs: 1_500 })
  await dispatcher.dispatch('execution.failed', { executionId: 'e2', error: 'Das Gerät antwortet nicht ✗' })
  await dispatcher.dispatch('checkpoint.pending', { executionId: 'e3', checkpoint: 'approval' })
}

async function dispatchBurst(): Promise<void> {
  await registry.create({
    name: 'slow',
    url: `${receiverUrl}/slow`,
    events: ['execution.started'],
    secret,
    maxInFlight: 2,
  })
  const burst = [1, 2, 3, 4, 5, 6].map((n) => ({ executionId: `burst-${n}`, workflowId: 'w1' }))
  await dispatcher.dispatchMany(burst.map((data) => ({ type: 'execution.started', data })))
}

// drain() waits for what is due here; what a killed sender held becomes due a little later. `connected` while the demo lives.
async function untilDelivered(): Promise<void> {
  while (process.connected) {
    await dispatcher.drain()
    const { data } = await dispatcher.listDeliveries({ state: 'pending', limit: 1 })
    if (data.length === 0) return
    await sleep(50)
  }
}

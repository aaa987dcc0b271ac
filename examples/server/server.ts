/**
 * `npm start`: webhooks for everybody on this machine. The management API under /api/v1, deliveries kept in a SQLite file, both
 * signature schemes on, a local receiver that prints what it verified, and `POST /dispatch/{type}` to see a delivery:
 *
 *     curl -X POST http://localhost:8000/dispatch/execution.completed -H "Content-Type: application/json" \
 *       -d '{"executionId": "42", "durationMs": 1500}'
 *
 * PORT, RECEIVER_PORT (8000 and 8001 unless given) and POSTHORN_DB (posthorn-example.db) are read from the environment.
 */
import { createServer } from 'node:http'
import { EventDispatcher, ipaScheme, standardWebhooks, WebhookRegistry } from 'posthorn'
import { createWebhookApi, toNodeListener } from 'posthorn/http'
import { sqliteStorage } from 'posthorn/sqlite'
import { events } from '../events.ts'
import { createDispatchRoute } from './dispatch-route.ts'
import { closeServer, listen } from './listening.ts'
import { registerLocalReceiver } from './local-webhook.ts'
import { createReceiver } from './receiver.ts'

const { PORT = '8000', RECEIVER_PORT = '8001', POSTHORN_DB = 'posthorn-example.db' } = process.env

const storage = sqliteStorage(POSTHORN_DB)
// For trying out: receivers on this machine are allowed, which is refused unless said so.
const registry = new WebhookRegistry({
  storage,
  events,
  addresses: { allow: ['127.0.0.0/8', '::1', 'localhost'], allowHttp: true },
})
const dispatcher = new EventDispatcher({ registry, schemes: [standardWebhooks, ipaScheme] })
dispatcher.on('worker.error', ({ error, during }) => console.error(`Failed at ${during}, will be tried again.`, error))

const receiver = createReceiver(async () => await registry.revealSecret(localWebhook.id))
const receiverUrl = await listen(receiver, RECEIVER_PORT)
const localWebhook = await registerLocalReceiver(registry, `${receiverUrl}/webhooks`)

// No authorization, because it listens on this machine only. Your own API has an `authorize` that says whose request it is.
const api = createWebhookApi({ registry, dispatcher, basePath: '/api/v1', authorize: 'none' })
const dispatchRoute = createDispatchRoute(dispatcher)
const server = createServer(toNodeListener(async (request) => (await dispatchRoute(request)) ?? (await api(request))))
await dispatcher.start()
const url = await listen(server, PORT)
console.log(`Posthorn's example server listens on ${url}/api/v1, its receiver on ${receiverUrl}.`)
console.log(`Database: ${POSTHORN_DB}. Event types: ${events.types.join(', ')}. Ctrl+C ends it.`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(signal))

async function stop(signal: string): Promise<void> {
  console.log(`${signal}: finishing what is under way.`)
  await closeServer(server)
  await dispatcher.stop({ timeoutMs: 5_000 })
  await closeServer(receiver)
  await storage.close()
}

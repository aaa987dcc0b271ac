/**
 * A shop on Express that tells its customers' systems about new orders. Each customer is a tenant: a bearer token says which one,
 * for the shop's own routes and for the webhook API that is mounted beside them, so that customers manage their webhooks
 * themselves and see nobody else's. Orders and deliveries outlive a restart in one SQLite file. Run it with
 * `PORT=3000 node examples/sender-express/server.ts`, in production with a POSTHORN_KEY (`openssl rand -base64 32`).
 */
import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express, { type NextFunction, type Request, type Response } from 'express'
import { defineEvents, EventDispatcher, keyring, PosthornError, standardSchedule, WebhookRegistry } from 'posthorn'
import { createWebhookApi, toNodeListener } from 'posthorn/http'
import { sqliteStorage } from 'posthorn/sqlite'
import { z } from 'zod'

// In your app: sessions, JWTs, API keys …
const tenants = new Map([
  ['token-of-acme', 'acme'],
  ['token-of-globex', 'globex'],
])
const tenantOf = (authorization: string | null | undefined) => tenants.get(authorization?.replace('Bearer ', '') ?? '')

const events = defineEvents({ 'order.created': z.object({ orderId: z.string(), total: z.number().positive() }) })
const storage = sqliteStorage(process.env['POSTHORN_DB'] ?? 'shop.db')
// While you develop, receivers are on your machine. In production webhooks lead to public addresses, by https.
const isProduction = process.env['NODE_ENV'] === 'production'
const addresses = isProduction ? {} : { allow: ['127.0.0.0/8', '::1', 'localhost'], allowHttp: true }
// Seals the secrets in storage. Without a key they are in clear, which the registry refuses in production.
const { POSTHORN_KEY } = process.env
const encryption = POSTHORN_KEY === undefined ? {} : { encryption: keyring({ k1: POSTHORN_KEY }) }
const registry = new WebhookRegistry({ storage, events, addresses, ...encryption })
const dispatcher = new EventDispatcher({ registry, schedule: standardSchedule })

const app = express()

const api = createWebhookApi({
  registry,
  dispatcher,
  basePath: '/api',
  authorize(request) {
    const tenantId = tenantOf(request.headers.get('authorization'))
    return tenantId === undefined ? null : { tenantId }
  },
})
app.use('/api', toNodeListener(api))

app.post('/orders', express.json(), async (request, response) => {
  const tenantId = tenantOf(request.get('authorization'))
  if (tenantId === undefined) return void response.sendStatus(401)
  const order = { orderId: randomUUID(), total: request.body?.total }
  // Resolves once the event is on disk; it is signed, sent and retried after that.
  const { eventId } = await dispatcher.dispatch('order.created', order, { tenantId })
  response.status(201).json({ ...order, eventId })
})

app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
  if (!(error instanceof PosthornError && error.code === 'INVALID_EVENT')) return next(error)
  response.status(422).json({ issues: error.issues })
})

await dispatcher.start()
const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', (error) => {
  if (error !== undefined) throw error
  console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`) // a TCP server has an AddressInfo
})

process.once('SIGTERM', () => {
  server.close(() => void stop())
})

async function stop(): Promise<void> {
  await dispatcher.stop()
  await storage.close()
}

/**
 * The smallest sender on Hono: the management API is a fetch handler, so one line mounts it, and a route of the app's own
 * dispatches. The caller's `Idempotency-Key` is passed on, which makes a repeated request one event. Deliveries are kept in
 * memory, so what is pending is lost when the process ends: give it `sqliteStorage(path)` where that matters. Run it with
 * `PORT=3000 API_TOKEN=secret node examples/sender-hono/server.ts`, in production with a POSTHORN_KEY (`openssl rand -base64 32`).
 */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import {
  defineEvents,
  EventDispatcher,
  keyring,
  memoryStorage,
  PosthornError,
  standardSchedule,
  WebhookRegistry,
} from 'posthorn'
import { createWebhookApi } from 'posthorn/http'
import { z } from 'zod'

const { PORT = '3000', API_TOKEN: token = '', POSTHORN_KEY } = process.env
if (token === '') throw new Error('Set API_TOKEN to the token that callers must send.')

const events = defineEvents({ 'execution.completed': z.object({ executionId: z.string() }) })
// While you develop, receivers are on your machine. In production webhooks lead to public addresses, by https.
const isProduction = process.env['NODE_ENV'] === 'production'
const addresses = isProduction ? {} : { allow: ['127.0.0.0/8', '::1', 'localhost'], allowHttp: true }
// Seals the secrets in storage. Without a key they are in clear, which the registry refuses in production.
const encryption = POSTHORN_KEY === undefined ? {} : { encryption: keyring({ k1: POSTHORN_KEY }) }
const registry = new WebhookRegistry({ storage: memoryStorage(), events, addresses, ...encryption })
const dispatcher = new EventDispatcher({ registry, schedule: standardSchedule })
const api = createWebhookApi({ registry, dispatcher, basePath: '/api', authorize: 'none' }) // bearerAuth stands in front of it

const app = new Hono()
app.use(bearerAuth({ token }))
app.all('/api/*', (c) => api(c.req.raw))
app.post('/executions/:id/complete', async (c) => {
  const idempotencyKey = c.req.header('idempotency-key')
  const options = idempotencyKey === undefined ? {} : { idempotencyKey }
  try {
    const event = await dispatcher.dispatch('execution.completed', { executionId: c.req.param('id') }, options)
    return c.json(event, 202)
  } catch (error) {
    if (!(error instanceof PosthornError && error.code === 'IDEMPOTENCY_CONFLICT')) throw error
    return c.json({ error: error.message }, 409)
  }
})

await dispatcher.start()
const server = serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' }, ({ port }) => {
  console.log(`Listening on http://127.0.0.1:${port}`)
})

process.once('SIGTERM', () => {
  server.close()
  void dispatcher.stop()
})

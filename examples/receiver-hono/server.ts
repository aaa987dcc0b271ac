/**
 * A receiver on Hono that answers first and works afterwards: an event is stored, the sender gets its 200 at once, and the handler may take
 * its time. The sender will not send again what was answered, so what fails or dies here is taken up again by `recover`. Run it with
 * `PORT=4000 WEBHOOK_SECRET=whsec_… DATABASE=received.db node examples/receiver-hono/server.ts`.
 */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createReceiver } from 'posthorn/receiver'
import { sqliteIdempotency } from 'posthorn/sqlite'
import { Verifier } from 'posthorn/verify'
import { events } from '../events.ts'

const store = sqliteIdempotency(process.env['DATABASE'] ?? 'received.db')

const receiver = createReceiver({
  verifier: new Verifier({ secret: process.env['WEBHOOK_SECRET'] }),
  events,
  on: {
    'execution.completed': async ({ id, data, attempt }) => {
      if (process.env['FAIL'] === data.executionId) throw new Error(`${data.executionId} cannot be worked on today`)
      console.log(`${id} ${data.executionId} completed (attempt ${attempt})`)
    },
  },
  idempotency: store,
  acknowledge: 'after-store',
  endpoint: 'orders',
  onError: (error, { eventId, during }) => console.error(`${eventId} ${during}: ${String(error)}`),
})

const app = new Hono().post('/webhooks', (context) => receiver.fetch(context.req.raw))

const recover = async () => {
  const { processed, failed } = await receiver.recover()
  if (processed + failed > 0) console.log(`recovered ${processed}, failed again ${failed}`)
}
await recover()
const timer = setInterval(() => void recover().catch(console.error), 60_000)

const server = serve(
  { fetch: app.fetch, port: Number(process.env['PORT'] ?? 4000), hostname: '127.0.0.1' },
  ({ port }) => console.log(`Listening on http://127.0.0.1:${port}`),
)

process.once('SIGTERM', () => {
  clearInterval(timer)
  server.close(() => void receiver.idle().then(() => store.close()))
})

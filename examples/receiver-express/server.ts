/**
 * A receiver on Express. The signature is over the bytes as they were sent, so the route stands above every JSON parser. Each event is
 * worked on once, also across restarts: what was received is remembered in a SQLite file. Run it with
 * `PORT=4000 WEBHOOK_SECRET=whsec_… node examples/receiver-express/server.ts`.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createReceiver, toExpressHandler } from 'posthorn/receiver'
import { sqliteIdempotency } from 'posthorn/sqlite'
import { Verifier } from 'posthorn/verify'
import { events } from '../events.ts'

const store = sqliteIdempotency(process.env['DATABASE'] ?? ':memory:')

const receiver = createReceiver({
  verifier: new Verifier({ secret: process.env['WEBHOOK_SECRET'] }),
  events,
  on: {
    'execution.completed': ({ id, data }) => console.log(`${id} ${data.executionId} took ${data.durationMs} ms`),
    'execution.failed': ({ id, data }) => console.log(`${id} ${data.executionId} failed: ${data.error}`),
  },
  idempotency: store,
  onReject: ({ error, status }) => console.warn(`answered ${status}: ${error.code}`),
})

const app = express()
app.post('/webhooks', toExpressHandler(receiver))
app.use(express.json()) // for all other routes: below

const server = app.listen(Number(process.env['PORT'] ?? 4000), '127.0.0.1', (error) => {
  if (error !== undefined) throw error
  console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`) // a TCP server has an AddressInfo
})

process.once('SIGTERM', () => {
  server.close(() => store.close())
})

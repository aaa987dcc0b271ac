/**
 * A receiver on Express. The signature is over the bytes as they were sent, so this route has `express.raw`, and no JSON parser in
 * front of it. It answers quickly, and does the work of an event once: the same `eventId` may come more than once, because a
 * sender who did not see the answer sends again. Run it with
 * `PORT=4000 WEBHOOK_SECRET=whsec_… node examples/receiver-express/server.ts`.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { PosthornError, Verifier } from 'posthorn/verify'

const verifier = new Verifier({ secret: process.env['WEBHOOK_SECRET'] })
const seen = new Set<string>() // in your app: a unique column in the database, written together with the work

const app = express()

app.post('/webhooks', express.raw({ type: () => true, limit: '1mb' }), async (request, response) => {
  try {
    const { eventId, payload } = await verifier.verify({ headers: request.headers, body: request.body })
    if (eventId !== null && !seen.has(eventId)) {
      seen.add(eventId)
      console.log(`${eventId} ${JSON.stringify(payload)}`)
    }
    response.sendStatus(204)
  } catch (error) {
    if (!(error instanceof PosthornError)) throw error
    response.status(400).json({ error: error.code })
  }
})

const server = app.listen(Number(process.env['PORT'] ?? 4000), '127.0.0.1', (error) => {
  if (error !== undefined) throw error
  console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`) // a TCP server has an AddressInfo
})

process.once('SIGTERM', () => server.close())

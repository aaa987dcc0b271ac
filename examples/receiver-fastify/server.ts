/**
 * A receiver of GitHub's webhooks on Fastify: the plugin has a scope without body parsers, so the rest of the app keeps its own. GitHub names
 * the event in a header and sends no envelope: the whole body is the event's data. Its `ping` is answered before any handler. Run it with
 * `PORT=4000 GITHUB_SECRET=… node examples/receiver-fastify/server.ts`.
 */
import Fastify from 'fastify'
import { createReceiver, defineEvents, memoryIdempotency, toFastifyPlugin } from 'posthorn/receiver'
import { github } from 'posthorn/schemes'
import { Verifier } from 'posthorn/verify'
import { z } from 'zod'

const receiver = createReceiver({
  verifier: new Verifier({ secret: process.env['GITHUB_SECRET'], scheme: github }),
  events: defineEvents({
    push: z.object({ ref: z.string(), repository: z.object({ full_name: z.string() }) }),
    issues: z.object({ action: z.string(), issue: z.object({ number: z.number(), title: z.string() }) }),
  }),
  on: {
    push: ({ data }) => console.log(`push to ${data.repository.full_name} ${data.ref}`),
    issues: ({ data }) => console.log(`issue ${data.issue.number} ${data.action}: ${data.issue.title}`),
  },
  onUnknown: ({ type }) => console.log(`left alone: ${type}`),
  idempotency: memoryIdempotency(),
})

const app = Fastify()
await app.register(toFastifyPlugin(receiver, { path: '/webhooks' }))
app.post('/orders', async (request) => ({ received: request.body }))

console.log(`Listening on ${await app.listen({ port: Number(process.env['PORT'] ?? 4000), host: '127.0.0.1' })}`)

process.once('SIGTERM', () => void app.close())

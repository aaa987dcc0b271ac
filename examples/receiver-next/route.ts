/**
 * A receiver as a route handler, as Next.js has them (app/api/webhooks/route.ts). `receiver.fetch` is the handler, so it may stand as it is in
 * SvelteKit (`({ request }) => receiver.fetch(request)`), Remix, Bun, Deno and Workers too.
 */
import { createReceiver, defineEvents, memoryIdempotency, type Receiver } from 'posthorn/receiver'
import { Verifier } from 'posthorn/verify'
import { z } from 'zod'

const events = defineEvents({
  'execution.completed': z.object({ executionId: z.string() }),
  'execution.failed': z.object({ executionId: z.string(), error: z.string() }),
})

let receiver: Receiver | undefined

export async function POST(request: Request): Promise<Response> {
  // Made at the first request: Next.js also loads this file when it builds, where the secret is not set.
  receiver ??= createReceiver({
    verifier: new Verifier({ secret: process.env['WEBHOOK_SECRET'] }),
    events,
    on: {
      'execution.completed': ({ id, data }) => console.log(id, `${data.executionId} completed`),
      'execution.failed': ({ id, data }) => console.log(id, `${data.executionId} failed: ${data.error}`),
    },
    // Where instances come and go, use what all of them share: redisIdempotency(client) or postgresIdempotency(pool).
    idempotency: memoryIdempotency(),
  })
  return await receiver.fetch(request)
}

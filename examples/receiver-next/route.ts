/**
 * A receiver as a route handler, as Next.js has them (app/api/webhooks/route.ts); whatever calls a function with a `Request` does as
 * well: Hono, Bun, Deno, Workers. `verify` reads the body itself, so nothing may have read it before.
 */
import { PosthornError, Verifier } from 'posthorn/verify'
import { z } from 'zod'

const webhookEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('execution.completed'), data: z.object({ executionId: z.string() }) }),
  z.object({ type: z.literal('execution.failed'), data: z.object({ executionId: z.string(), error: z.string() }) }),
])

let verifier: Verifier | undefined

export async function POST(request: Request): Promise<Response> {
  // Made at the first request: Next.js also loads this file when it builds, where the secret is not set.
  verifier ??= new Verifier({ secret: process.env['WEBHOOK_SECRET'] })
  try {
    const { eventId, payload } = await verifier.verify(request)
    const event = webhookEvent.safeParse(payload)
    // Events that this version does not know are none of its affair: an error would only make the sender try again.
    if (event.success) console.log(eventId, describe(event.data))
    return new Response(null, { status: 204 })
  } catch (error) {
    if (!(error instanceof PosthornError)) throw error
    return Response.json({ error: error.code }, { status: 400 })
  }
}

function describe(event: z.infer<typeof webhookEvent>): string {
  const { executionId } = event.data
  return event.type === 'execution.failed' ? `${executionId} failed: ${event.data.error}` : `${executionId} completed`
}

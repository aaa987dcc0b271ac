/**
 * A receiver on AWS Lambda, behind an API Gateway, a function URL or a load balancer. Several instances run at once, so events are remembered
 * in a Redis that all of them share (`REDIS_URL`). The client is ioredis here; that of node-redis will do as well.
 */
import { Redis } from 'ioredis'
import { createReceiver, redisIdempotency, toLambdaHandler } from 'posthorn/receiver'
import { Verifier } from 'posthorn/verify'
import { events } from '../events.ts'

// Outside the handler: kept as long as the instance is. A Redis that is away is answered with 503, not waited for.
const redis = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379', {
  lazyConnect: true,
  maxRetriesPerRequest: 1,
})
redis.on('error', (error) => console.error(`redis: ${error.message}`))

const receiver = createReceiver({
  verifier: new Verifier({ secret: process.env['WEBHOOK_SECRET'] }),
  events,
  on: {
    'checkpoint.pending': ({ id, data }) => console.log(`${id} ${data.executionId} waits at ${data.checkpoint}`),
  },
  idempotency: redisIdempotency(redis, { prefix: process.env['REDIS_PREFIX'] ?? 'posthorn' }),
})

export const handler = toLambdaHandler(receiver)

/** Lets go of Redis, for tests. */
export const close = () => redis.disconnect()

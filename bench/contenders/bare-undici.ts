// The bound: what undici and the same signature cost without anything durable. 64 loops, each one request at a time.
import { createHmac, createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { Agent, request } from 'undici'
import { serveContender } from '../harness/contender.ts'
import { concurrency } from './in-flight.ts'
import { eventData, eventType } from './payload.ts'

serveContender(async ({ url }) => {
  const agent = new Agent()
  const key = createSecretKey(randomBytes(32))

  async function deliver(number: number): Promise<void> {
    const id = randomUUID()
    const now = new Date()
    const body = JSON.stringify({ id, type: eventType, timestamp: now.toISOString(), data: eventData(number) })
    const timestamp = String(Math.floor(now.getTime() / 1000))
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
    const response = await request(url, {
      dispatcher: agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'bare',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${signature}`,
      },
      body,
    })
    await response.body.dump()
    if (response.statusCode !== 204) throw new Error(`The receiver answered ${response.statusCode}.`)
  }

  return {
    async run(count) {
      let next = 0
      const loop = async () => {
        while (next < count) await deliver(next++)
      }
      await Promise.all(Array.from({ length: concurrency }, loop))
    },
    close: () => agent.close(),
  }
})

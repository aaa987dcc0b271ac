// The bound: what undici and the same signature cost without anything durable. 64 loops, each one request at a time.
import { randomUUID } from 'node:crypto'
import { serveContender } from '../harness/contender.ts'
import { concurrency } from './in-flight.ts'
import { eventBody } from './payload.ts'
import { createSend } from './send.ts'

serveContender(async ({ url }) => {
  const send = createSend('undici', url)
  return {
    async run(count) {
      let next = 0
      const loop = async () => {
        while (next < count) {
          const id = randomUUID()
          await send(id, eventBody(id, next++))
        }
      }
      await Promise.all(Array.from({ length: concurrency }, loop))
    },
    close: async () => {},
  }
})

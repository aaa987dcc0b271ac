// BullMQ: jobs added in bulk, one worker with 64 jobs at once. What Redis has accepted is on disk when Redis says so: by its defaults
// that is later, so it is quicker than it is durable.
import { randomBytes, randomUUID } from 'node:crypto'
import { Queue, Worker } from 'bullmq'
import { serveContender } from '../harness/contender.ts'
import { chunks, Countdown } from './countdown.ts'
import { concurrency } from './in-flight.ts'
import { eventBody } from './payload.ts'
import { createSend } from './send.ts'

const connection = { url: process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379' }

serveContender(async ({ url, variant }) => {
  const send = createSend(variant, url)
  const name = `bench_${randomBytes(6).toString('hex')}`
  const queue = new Queue<{ id: string; body: string }>(name, { connection })
  const countdown = new Countdown()
  const worker = new Worker<{ id: string; body: string }>(
    name,
    async ({ data }) => {
      await send(data.id, data.body)
    },
    { connection, concurrency, removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } },
  )
  worker.on('completed', () => countdown.tick())
  for (const kind of ['failed', 'error'] as const) worker.on(kind, (error: unknown) => countdown.fail(error))
  await worker.waitUntilReady()
  await worker.pause()

  return {
    begin: async () => worker.resume(),
    async run(count) {
      const done = countdown.start(count)
      for (const numbers of chunks(count, 1000)) await queue.addBulk(numbers.map(toJob))
      await done
    },
    end: () => worker.pause(),
    async close() {
      await worker.close(true)
      await queue.obliterate({ force: true })
      await queue.close()
    },
  }
})

function toJob(number: number) {
  const id = randomUUID()
  return { name: 'deliver', data: { id, body: eventBody(id, number) } }
}

// pg-boss at its quickest: bulk inserts, then batches that are fetched one after the other without a pause and completed as a whole.
// (Which means that one receiver's failure sends the whole batch again; `perJobResults` would not, and costs more.)
import { randomUUID } from 'node:crypto'
import { PgBoss } from 'pg-boss'
import { serveContender } from '../harness/contender.ts'
import { databaseUrl, openSchema } from '../harness/postgres-schema.ts'
import { chunks, Countdown } from './countdown.ts'
import { concurrency } from './in-flight.ts'
import { eventBody } from './payload.ts'
import { createSend } from './send.ts'

const queue = 'webhooks'
const batchSize = 16

serveContender(async ({ url, variant }) => {
  const send = createSend(variant, url)
  const { schema, remove } = await openSchema()
  const boss = new PgBoss({ connectionString: databaseUrl, schema, supervise: false, schedule: false })
  const countdown = new Countdown()
  boss.on('error', (error) => countdown.fail(error))
  await boss.start()
  await boss.createQueue(queue)

  const work = async () => {
    const options = { batchSize, localConcurrency: concurrency / batchSize, burstWhenBatchFull: true }
    await boss.work<{ id: string; body: string }>(queue, options, async (jobs) => {
      await Promise.all(
        jobs.map(async ({ data }) => {
          await send(data.id, data.body)
          countdown.tick()
        }),
      )
    })
  }

  return {
    async run(count) {
      const done = countdown.start(count)
      for (const numbers of chunks(count, 1000)) {
        await boss.insert(queue, numbers.map(toJob))
      }
      await work()
      await done
    },
    end: () => boss.offWork(queue, { wait: true }),
    async close() {
      await boss.stop({ graceful: false })
      await remove()
    },
  }
})

function toJob(number: number) {
  const id = randomUUID()
  return { data: { id, body: eventBody(id, number) } }
}

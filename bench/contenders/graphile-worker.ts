// graphile-worker at its quickest: jobs added in bulk, fetched by a local queue, completed in batches.
import { randomUUID } from 'node:crypto'
import { Logger, makeWorkerUtils, run, type Runner } from 'graphile-worker'
import { serveContender } from '../harness/contender.ts'
import { openSchema } from '../harness/postgres-schema.ts'
import { chunks, Countdown } from './countdown.ts'
import { concurrency } from './in-flight.ts'
import { eventBody } from './payload.ts'
import { createSend } from './send.ts'

interface Payload {
  readonly id: string
  readonly body: string
}

serveContender(async ({ url, variant }) => {
  const send = createSend(variant, url)
  const { pool, schema, remove } = await openSchema()
  const logger = new Logger(() => () => {})
  const utils = await makeWorkerUtils({ pgPool: pool, schema, logger })
  await utils.migrate()
  const countdown = new Countdown()
  const taskList = {
    deliver: async (payload: unknown) => {
      const { id, body } = payload as Payload // as it was added
      await send(id, body).catch((error: unknown) => countdown.fail(error))
      countdown.tick()
    },
  }
  let runner: Runner | undefined

  return {
    async run(count) {
      const done = countdown.start(count)
      for (const numbers of chunks(count, 1000)) await utils.addJobs(numbers.map(toJob))
      runner = await run({
        pgPool: pool,
        schema,
        logger,
        taskList,
        noHandleSignals: true,
        preset: {
          worker: { concurrentJobs: concurrency, localQueue: { size: 4 * concurrency }, completeJobBatchDelay: 0 },
        },
      })
      await done
    },
    end: async () => await runner?.stop(),
    async close() {
      await utils.release()
      await remove()
    },
  }
})

function toJob(number: number) {
  const id = randomUUID()
  return { identifier: 'deliver', payload: { id, body: eventBody(id, number) } satisfies Payload }
}

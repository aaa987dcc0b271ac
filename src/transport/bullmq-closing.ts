import { within } from '../domain/within.ts'
import { type BullMqConnected, type BullMqQueue, type BullMqWorker, clientOf } from './bullmq-classes.ts'

// Between them, what a stop may wait for Redis.
const answerMs = 500
const closeMs = 2_000

type Report = (error: unknown, during: string) => void

/**
 * Closes a queue, also where Redis is away: BullMQ would wait for it to come back, for as long as that takes, and keep the process alive.
 * A client of the caller's stays open.
 */
export async function closeQueue(queue: BullMqQueue, isCallersClient: boolean, report: Report): Promise<void> {
  const isThere = await answers(queue)
  const closed = quietly(queue.close(), report)
  if (isThere || isCallersClient) await within(closeMs, closed, undefined)
  else await Promise.race([closed, within(answerMs, disconnect(queue), undefined)])
}

/** Closes a worker likewise. Jobs that are under way after a moment are left to other workers, as those of a process that died. */
export async function closeWorker(worker: BullMqWorker, report: Report): Promise<void> {
  const isThere = await answers(worker)
  await within(closeMs, quietly(worker.close(!isThere), report), undefined)
}

/** Whether Redis answers at once. */
async function answers(connected: BullMqConnected): Promise<boolean> {
  const asked = clientOf(connected)
    .then(
      async (client) => 'info' in client && typeof client.info === 'function' && (await client.info()) !== undefined,
    )
    .catch(() => false)
  return await within(answerMs, asked, false)
}

async function disconnect(connected: BullMqConnected): Promise<void> {
  const client = await clientOf(connected)
  if ('disconnect' in client && typeof client.disconnect === 'function') client.disconnect()
}

async function quietly(closing: Promise<unknown>, report: Report): Promise<void> {
  try {
    await closing
  } catch (error) {
    report(error, 'close')
  }
}

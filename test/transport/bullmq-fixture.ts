import type { Queue } from 'bullmq'
import { EventDispatcher, type EventDispatcherOptions, memoryStorage, type Storage, WebhookRegistry } from 'posthorn'
import { loopback } from '../support/loopback.ts'
import { type BullMq, bullmqTransport, type BullmqTransportOptions } from 'posthorn/bullmq'
import { onTestFinished } from 'vitest'
import { redisUrl } from './redis-server.ts'

/** How a {@link bench} is made. */
export interface BenchOptions extends Partial<BullmqTransportOptions> {
  readonly bullmq: BullMq
  readonly storage?: Storage
}

/** A storage and a queue of its own, with any number of dispatchers on them; all end with the test. */
export function bench({ storage = memoryStorage(), ...transportOptions }: BenchOptions) {
  const connection = transportOptions.connection ?? { url: redisUrl }
  const queueName = `posthorn-test-${process.pid}-${Math.random().toString(36).slice(2, 10)}`
  const transport = () => bullmqTransport({ queueName, checkDurability: false, ...transportOptions, connection })
  const registry = new WebhookRegistry({ storage, addresses: loopback })
  const errors: string[] = []

  /** A dispatcher whose sweeper is not seen within a test, unless told otherwise. */
  const dispatcher = (options: Partial<EventDispatcherOptions> = {}) => {
    const made = new EventDispatcher({ registry, transport: transport(), pollIntervalMs: 60_000, ...options })
    made.on('worker.error', ({ error, during }) => errors.push(`${during}: ${String(error)}`))
    onTestFinished(() => made.stop({ timeoutMs: 0 }))
    return made
  }

  /** A look at the queue from outside; it is removed with the test. */
  const look = () => {
    const MajorQueue = transportOptions.bullmq.Queue as unknown as typeof Queue // the majors have the same getters
    const queue = new MajorQueue(queueName, { connection, prefix: transportOptions.prefix ?? 'bull' })
    queue.on('error', () => undefined)
    onTestFinished(async () => {
      await queue.obliterate({ force: true })
      await queue.close()
    })
    return queue
  }
  return { storage, registry, dispatcher, look, errors, queueName, transport }
}

/** A number of events to dispatch. */
export function many(count: number) {
  return Array.from({ length: count }, (_, n) => ({ type: 'order.paid', data: { n } }))
}

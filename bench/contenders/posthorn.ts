// Posthorn as a user writes it: events are dispatched one by one, and delivered by the same process. The variant is the storage.
import { EventDispatcher, WebhookRegistry } from 'posthorn'
import { serveContender } from '../harness/contender.ts'
import { loopback } from '../harness/loopback.ts'
import { openStorage } from '../harness/storages.ts'
import { concurrency } from './in-flight.ts'
import { eventData, eventType } from './payload.ts'

// What is accepted and not yet delivered: a producer that is not held back would only measure how long a queue gets.
const maxBacklog = 4 * concurrency

serveContender(async ({ url, variant }) => {
  const { storage, remove } = await openStorage(variant)
  const registry = new WebhookRegistry({ storage, ...loopback })
  await registry.create({ name: 'bench', url, events: ['invoice.*'], maxInFlight: concurrency })
  const dispatcher = new EventDispatcher({ registry, concurrency, ...loopback })
  const progress = new Progress()
  dispatcher.on('delivery.succeeded', () => progress.finishOne())
  for (const name of ['delivery.failed', 'worker.error'] as const) {
    dispatcher.on(name, (event) => progress.fail(new Error(`${name}: ${JSON.stringify(event)}`)))
  }

  return {
    begin: () => dispatcher.start(),
    async run(count) {
      progress.begin(count)
      let next = 0
      const produce = async () => {
        while (next < count) {
          const number = next++
          await progress.roomFor(number, maxBacklog)
          await dispatcher.dispatch(eventType, eventData(number))
        }
      }
      await Promise.all([...Array.from({ length: concurrency }, produce), progress.done])
    },
    end: () => dispatcher.stop(),
    async close() {
      await dispatcher.stop()
      await remove()
    },
  }
})

/** How many deliveries are finished, and who waits for that. */
class Progress {
  #finished = 0
  #count = 0
  #held: { readonly at: number; readonly resolve: () => void }[] = []
  #resolve: () => void = () => {}
  #reject: (error: Error) => void = () => {}
  done: Promise<void> = Promise.resolve()

  begin(count: number): void {
    this.#finished = 0
    this.#count = count
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  finishOne(): void {
    this.#finished++
    while (this.#held[0] !== undefined && this.#held[0].at <= this.#finished) this.#held.shift()?.resolve()
    if (this.#finished === this.#count) this.#resolve()
  }

  fail(error: Error): void {
    this.#reject(error)
  }

  /** Resolves once event `number` is no more than `max` ahead of what is finished. */
  async roomFor(number: number, max: number): Promise<void> {
    const at = number - max + 1
    if (at <= this.#finished) return
    await new Promise<void>((resolve) => this.#held.push({ at, resolve }))
  }
}

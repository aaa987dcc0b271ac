import { EventDispatcher, type EventDispatcherOptions, type Storage, WebhookRegistry } from 'posthorn'
import { loopback } from './loopback.ts'
import { Progress } from './progress.ts'
import { openStorage } from './storages.ts'

/** An app that sends webhooks, as the benchmarks have it. */
export interface App {
  readonly storage: Storage
  readonly registry: WebhookRegistry
  readonly dispatcher: EventDispatcher
  /** Counts what the dispatcher has delivered; a failure of any kind ends the wait. */
  readonly progress: Progress
  /** Stops the dispatcher and removes what is stored. */
  close(): Promise<void>
}

/** Puts an app together over a storage, see `openStorage`. */
export async function createApp(
  storageName: string,
  options: Omit<EventDispatcherOptions, 'registry'> = {},
  { toleratesFailures = false } = {},
): Promise<App> {
  const { storage, remove } = await openStorage(storageName)
  const registry = new WebhookRegistry({ storage, ...loopback })
  const dispatcher = new EventDispatcher({ registry, ...options })
  const progress = new Progress()
  dispatcher.on('delivery.succeeded', () => progress.finishOne())
  dispatcher.on('worker.error', ({ error, during }) => progress.fail(new Error(`${during} failed`, { cause: error })))
  if (!toleratesFailures) {
    dispatcher.on('delivery.failed', ({ deliveryId }) => progress.fail(new Error(`Delivery ${deliveryId} failed.`)))
  }
  const close = async () => {
    await dispatcher.stop()
    await remove()
  }
  return { storage, registry, dispatcher, progress, close }
}

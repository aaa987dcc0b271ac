// What an app takes of memory, as the operating system and the collector see it.
import { setTimeout as pause } from 'node:timers/promises'
import { concurrency } from '../contenders/in-flight.ts'
import { eventData, eventType } from '../contenders/payload.ts'
import { type App, createApp } from '../harness/app.ts'
import { produce } from '../harness/produce.ts'
import { serve } from '../harness/serve.ts'

const MiB = 2 ** 20

let app: App | undefined

serve(
  {
    create: async ({ storage, url }: { readonly storage: string; readonly url: string }) => {
      app = await createApp(storage, { concurrency, maxPendingPerTenant: 100_000_000 })
      await app.registry.create({ name: 'memory', url, events: [eventType], maxInFlight: concurrency })
    },
    /** Runs a started dispatcher for a while; answers the most that was resident, in MiB. */
    watch: async ({ forMs, deliveries }: { readonly forMs: number; readonly deliveries: number }) => {
      const own = created()
      let most = 0
      const sampling = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20)
      await own.dispatcher.start()
      await deliver(own, deliveries)
      await pause(forMs)
      await own.dispatcher.stop()
      clearInterval(sampling)
      return most / MiB
    },
    /** Delivers so many, collects, and answers what is resident then, in MiB. */
    deliver: async (deliveries: number) => {
      const own = created()
      await own.dispatcher.start()
      await deliver(own, deliveries)
      await own.dispatcher.stop()
      return (await resident()) / MiB
    },
    /** Parks deliveries, one each event or many, and answers how many bytes of heap each takes. */
    park: async ({ webhooks, deliveries }: { readonly webhooks: number; readonly deliveries: number }) => {
      const { dispatcher, registry } = created()
      for (let number = 0; number < webhooks; number++) {
        await registry.create({ name: `w${number}`, url: 'http://127.0.0.1:9/', events: ['parked'] })
      }
      await resident()
      const before = process.memoryUsage()
      for (let number = 0; number < deliveries / webhooks; number++) {
        await dispatcher.dispatch('parked', eventData(number), { delayMs: 86_400_000 })
      }
      await resident()
      const after = process.memoryUsage()
      return (after.heapUsed + after.external - before.heapUsed - before.external) / deliveries
    },
  },
  async () => await app?.close(),
)

function created(): App {
  if (app === undefined) throw new Error('create comes first.')
  return app
}

async function deliver(own: App, deliveries: number): Promise<void> {
  await produce(own, {
    events: deliveries,
    deliveriesEach: 1,
    producers: concurrency,
    maxOpen: 4 * concurrency,
    dispatch: (number) => own.dispatcher.dispatch(eventType, eventData(number)),
  })
}

// What is resident once everything was collected that can be.
async function resident(): Promise<number> {
  for (let times = 0; times < 5; times++) {
    globalThis.gc?.()
    await pause(50)
  }
  return process.memoryUsage.rss()
}

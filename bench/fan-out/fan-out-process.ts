// An app with a tenant for each number of webhooks, all of which want every event.
import { type App, createApp } from '../harness/app.ts'
import { concurrency } from '../contenders/in-flight.ts'
import { eventData, eventType } from '../contenders/payload.ts'
import { produce } from '../harness/produce.ts'
import { serve } from '../harness/serve.ts'

/** What a round costs. */
export interface FanOutFigures {
  /** Microseconds of wall time for one delivery. */
  readonly wallUs: number
  /** Microseconds of CPU time of this process for one delivery. */
  readonly cpuUs: number
}

let app: App | undefined

serve(
  {
    create: async (storage: string) => {
      app = await createApp(storage, { concurrency, maxPendingPerTenant: 10_000_000 })
      await app.dispatcher.start()
    },
    register: async ({ url, webhooks }: { readonly url: string; readonly webhooks: number }) => {
      const { registry } = started()
      const numbers = Array.from({ length: webhooks }, (_, index) => index)
      const register = async () => {
        for (let number = numbers.pop(); number !== undefined; number = numbers.pop()) {
          // A single webhook would otherwise be bound by its own cap, not by what a delivery costs.
          const input = { name: `w${number}`, url, events: [eventType], maxInFlight: concurrency }
          await registry.create(input, { tenantId: tenantOf(webhooks) })
        }
      }
      await Promise.all(Array.from({ length: 16 }, register))
    },
    round: async ({ webhooks, events }: { readonly webhooks: number; readonly events: number }) => {
      const own = started()
      const cpuBefore = process.cpuUsage()
      const before = performance.now()
      await produce(own, {
        events,
        deliveriesEach: webhooks,
        producers: concurrency,
        maxOpen: 4 * concurrency,
        dispatch: (number) => own.dispatcher.dispatch(eventType, eventData(number), { tenantId: tenantOf(webhooks) }),
      })
      const deliveries = events * webhooks
      const { user, system } = process.cpuUsage(cpuBefore)
      return {
        wallUs: ((performance.now() - before) * 1000) / deliveries,
        cpuUs: (user + system) / deliveries,
      } satisfies FanOutFigures
    },
  },
  async () => await app?.close(),
)

function started(): App {
  if (app === undefined) throw new Error('create comes first.')
  return app
}

function tenantOf(webhooks: number): string {
  return `tenant-of-${webhooks}`
}

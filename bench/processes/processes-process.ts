// One of several apps on one Postgres: it dispatches events to a webhook of its own, and delivers whatever it can claim.
import { type App, createApp } from '../harness/app.ts'
import { concurrency } from '../contenders/in-flight.ts'
import { eventData } from '../contenders/payload.ts'
import { serve } from '../harness/serve.ts'
import { statementCount } from '../harness/statement-count.ts'

/** What this process spent since the last call. */
export interface Spent {
  readonly cpuUs: number
  readonly statements: number
}

let app: App | undefined
let type = ''
let before = { cpu: process.cpuUsage(), statements: 0 }

serve(
  {
    create: async ({
      storage,
      url,
      name,
    }: {
      readonly storage: string
      readonly url: string
      readonly name: string
    }) => {
      app = await createApp(storage, { concurrency, maxPendingPerTenant: 10_000_000 })
      type = `${name}.paid`
      await app.registry.create({ name, url, events: [type], maxInFlight: 4 * concurrency })
    },
    start: async () => await started().dispatcher.start(),
    /** Dispatches events one by one, 64 at once; resolves once all are written, not delivered. */
    dispatch: async (count: number) => {
      const { dispatcher } = started()
      let next = 0
      const produce = async () => {
        while (next < count) await dispatcher.dispatch(type, eventData(next++))
      }
      await Promise.all(Array.from({ length: concurrency }, produce))
    },
    spent: async (): Promise<Spent> => {
      const { user, system } = process.cpuUsage(before.cpu)
      const statements = statementCount() - before.statements
      before = { cpu: process.cpuUsage(), statements: statementCount() }
      return { cpuUs: user + system, statements }
    },
    stop: async () => await started().dispatcher.stop(),
  },
  async () => await app?.close(),
)

function started(): App {
  if (app === undefined) throw new Error('create comes first.')
  return app
}

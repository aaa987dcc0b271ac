// Reads the pages that an operator reads, and the counts, of tables that somebody else has filled.
import { type App, createApp } from '../harness/app.ts'
import { serve } from '../harness/serve.ts'
import { quantile } from '../harness/stats.ts'

/** How long one kind of reading takes, in milliseconds. */
export interface Reading {
  readonly name: string
  readonly p50: number
  readonly p99: number
}

let app: App | undefined

serve(
  {
    create: async (storage: string) => {
      app = await createApp(storage)
    },
    read: async (times: number): Promise<Reading[]> => {
      if (app === undefined) throw new Error('create comes first.')
      const readings: Reading[] = []
      for (const [name, read] of Object.entries(reads(app))) readings.push(await time(name, read, times))
      return readings
    },
  },
  async () => await app?.close(),
)

type Read = (number: number) => Promise<unknown>

function reads({ storage, dispatcher }: App): Record<string, Read> {
  let cursor: string | null = null
  return {
    'newest page of the tenant': () => dispatcher.listDeliveries(),
    'oldest page of the tenant': () => dispatcher.listDeliveries({ order: 'asc' }),
    'page after page of the tenant': async () => {
      const page = await dispatcher.listDeliveries(cursor === null ? {} : { cursor })
      cursor = page.nextCursor
    },
    'page of a webhook': (number) => dispatcher.listDeliveries({ webhookId: webhookId(number) }),
    'page of a state (one in 50)': () => dispatcher.listDeliveries({ state: 'failed' }),
    'page of a state that none has': () => dispatcher.listDeliveries({ state: 'cancelled' }),
    'page of what is pending': () => dispatcher.listDeliveries({ state: 'pending' }),
    'page of a state of a webhook': (number) =>
      dispatcher.listDeliveries({ webhookId: webhookId(number), state: 'failed' }),
    'page of a day': () => dispatcher.listDeliveries({ after: new Date(Date.now() - 86_400_000), order: 'asc' }),
    'page of events': () => storage.listEvents({ tenantId: 'default', limit: 50 }),
    stats: () => storage.stats({}),
    'stats of a tenant': () => storage.stats({ tenantId: 'default' }),
    'stats of a webhook': (number) => storage.stats({ webhookId: webhookId(number) }),
  }
}

// One of those that the history is spread over, another one each time.
function webhookId(number: number): string {
  return `00000000-0000-7000-8000-${((number * 37) % 1000).toString(16).padStart(12, '0')}`
}

async function time(name: string, read: Read, times: number): Promise<Reading> {
  const took: number[] = []
  // The first ones have the code compiled and the pages read from disk.
  for (let number = -5; number < times; number++) {
    const started = performance.now()
    await read(Math.abs(number))
    if (number >= 0) took.push(performance.now() - started)
  }
  return { name, p50: quantile(took, 0.5), p99: quantile(took, 0.99) }
}

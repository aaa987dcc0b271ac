import { setTimeout as pause } from 'node:timers/promises'
import { EventDispatcher, WebhookRegistry, type Storage } from 'posthorn'
import { postgresStorage } from 'posthorn/postgres'
import { loopback } from './loopback.ts'
import { seedDead, seedHealthy, seedParked, seedWebhooks, type Sizes } from './dead-webhook-seed.ts'
import { createSchema, type PostgresSchema } from './postgres-schema.ts'
import { seededRandom } from './random.ts'
import type { Seeded, Verdict } from './scenario.ts'

/** How large it is. */
export interface DeadWebhookOptions extends Seeded, Sizes {
  /** How long a run may take, in milliseconds. */
  readonly longestRunMs: number
}

// By how much a dead webhook may slow down all the others, and how long a claim may take in 99 of 100 cases, beyond what a statement
// that does nothing takes at the same time: that is the machine's share.
const longestSlowdown = 2
const longestClaimMs = 50
const probeEveryMs = 20

/**
 * Delivers what is due on many healthy webhooks, first without and then beside a webhook with a large backlog whose receiver never
 * answers, while many more deliveries wait for later.
 */
export async function deadWebhook(options: DeadWebhookOptions): Promise<Verdict> {
  const begun = performance.now()
  await using schema = await createSchema()
  const storage = postgresStorage(schema.pool, { schema: schema.name })
  const registry = new WebhookRegistry({ storage, addresses: loopback })
  const { id } = await registry.create({ name: 'dead', url: deadUrl, events: ['chaos.none'] })
  await seedWebhooks(schema, id, options)
  await seedParked(schema, options)
  await seedHealthy(schema, options)
  const without = await deliverAll(schema, storage, options)
  await seedHealthy(schema, options)
  await seedDead(schema, id, options)
  const beside = await deliverAll(schema, storage, options)
  const slowdown = Number((beside.ms / without.ms).toFixed(2))
  const isQuick = beside.claimP99Ms <= longestClaimMs + beside.nothingP99Ms
  const isGood = without.lost === 0 && beside.lost === 0 && slowdown <= longestSlowdown && isQuick
  const { webhooks, healthy, dead, parked } = options
  const seconds = Number(((performance.now() - begun) / 1000).toFixed(1))
  return {
    isGood,
    lost: without.lost + beside.lost,
    slowdown,
    without,
    beside,
    webhooks,
    healthy,
    dead,
    parked,
    seconds,
  }
}

const deadUrl = 'https://dead.example.com/'

async function deliverAll(schema: PostgresSchema, storage: Storage, options: DeadWebhookOptions) {
  await schema.pool.query(`VACUUM (ANALYZE) ${schema.name}.deliveries, ${schema.name}.events, ${schema.name}.webhooks`)
  const claimMs: number[] = []
  const registry = new WebhookRegistry({ storage: timed(storage, claimMs), addresses: loopback })
  const received = new Set<string>()
  let deadRequests = 0
  const dispatcher = new EventDispatcher({
    registry,
    random: seededRandom(options.seed),
    timeoutMs: 1_000,
    schedule: [60_000],
    fetch: async (input, init) => {
      const { url } = new Request(input)
      if (url === deadUrl) {
        deadRequests++
        return await never(init?.signal)
      }
      received.add(`${url} ${new Headers(init?.headers).get('webhook-id')}`)
      return new Response(null, { status: 204 })
    },
  })
  let settled = 0
  const all = new Promise<boolean>((resolve) => {
    dispatcher.on('delivery.succeeded', () => {
      if (++settled === options.healthy) resolve(true)
    })
    setTimeout(() => resolve(false), options.longestRunMs).unref()
  })
  const ended = new AbortController()
  const nothingMs = probe(schema, ended.signal)
  const begun = performance.now()
  await dispatcher.start()
  await all
  const ms = Math.round(performance.now() - begun)
  ended.abort()
  await dispatcher.stop({ timeoutMs: 0 })
  return {
    lost: options.healthy - Math.min(settled, received.size),
    ms,
    perSecond: Math.round((settled / ms) * 1000),
    claims: claimMs.length,
    claimP50Ms: quantile(claimMs, 0.5),
    claimP99Ms: quantile(claimMs, 0.99),
    nothingP99Ms: quantile(await nothingMs, 0.99),
    deadRequests,
  }
}

async function probe({ pool }: PostgresSchema, signal: AbortSignal): Promise<number[]> {
  const tookMs: number[] = []
  while (!signal.aborted) {
    const begun = performance.now()
    await pool.query('SELECT 1')
    tookMs.push(performance.now() - begun)
    await pause(probeEveryMs)
  }
  return tookMs
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Number((sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(1))
}

function timed(storage: Storage, claimMs: number[]): Storage {
  const claim: Storage['claim'] = async (query) => {
    const begun = performance.now()
    const result = await storage.claim(query)
    claimMs.push(performance.now() - begun)
    return result
  }
  return new Proxy(storage, {
    get(target, key) {
      if (key === 'claim') return claim
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function never(signal: AbortSignal | null | undefined): Promise<Response> {
  return await new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { EventDispatcher, memoryStorage, WebhookRegistry, type Storage } from 'posthorn'
import { sqliteStorage } from 'posthorn/sqlite'
import { namesIn } from '../src/storage/postgres/names.ts'
import { toExecutor } from '../src/storage/postgres/postgres-client.ts'
import { PostgresTables } from '../src/storage/postgres/postgres-storage.ts'
import { loopback } from './loopback.ts'
import { createSchema } from './postgres-schema.ts'
import { seededRandom } from './random.ts'
import type { Seeded, Verdict } from './scenario.ts'

/** How hard it gets. */
export interface ClockJumpsOptions extends Seeded {
  /** From one jump to the next, in milliseconds of real time. */
  readonly betweenMs: number
  /** How often a process on Postgres looks whether the server's clock has stepped back. */
  readonly lookEveryMs: number
}

const hour = 3_600_000
const jumps = [-2 * hour, 2 * hour, 25 * hour, -25 * hour, -2 * hour]
// What may pass from the instant an event was to be delivered to its delivery, and from the last jump to the last delivery.
const longestDelayMs = 60_000
const leaseMs = 2_000
const waitMs = 300

/** Moves the clock under storages with deliveries that are ready, waiting, leased and left by a dead holder. */
export async function clockJumps(options: ClockJumpsOptions): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-chaos-'))
  await using schema = await createSchema()
  const postgres = (clock: () => number) => {
    const names = namesIn(schema.name, { wall: () => `to_timestamp(${clock()}::float8 / 1000)` })
    return new PostgresTables(toExecutor(schema.pool), schema.name, names, { lookEveryMs: options.lookEveryMs })
  }
  try {
    const [memory, sqlite, server] = await Promise.all([
      jumpOn((clock) => memoryStorage({ clock, maxFinished: 100_000 }), options),
      jumpOn((clock) => sqliteStorage(join(folder, 'hooks.db'), { clock }), options),
      jumpOn(postgres, options),
    ])
    const isGood = [memory, sqlite, server].every((one) => one.lost === 0 && one.longestDelayMs <= longestDelayMs)
    return { isGood, jumps: jumps.length, memory, sqlite, postgres: server }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Sent {
  /** When it was to be delivered at the latest, without an answer of 503, by the steady clock. */
  readonly dueAt: number
}

async function jumpOn(create: (clock: () => number) => Storage, { betweenMs, seed }: ClockJumpsOptions) {
  const random = seededRandom(seed)
  let jumpedMs = 0
  const clock = () => Date.now() + jumpedMs
  const storage = create(clock)
  const registry = new WebhookRegistry({ storage, clock, addresses: loopback })
  const answered = new Map<string, { succeededAt: number; failures: number; successes: number }>()
  const dispatcher = new EventDispatcher({
    registry,
    clock,
    leaseMs,
    retry: { retries: 0 },
    schedule: Array.from({ length: 30 }, () => waitMs),
    fetch: async (_url, init) => {
      const id = new Headers(init?.headers).get('webhook-id') ?? ''
      const tally = answered.get(id) ?? { succeededAt: 0, failures: 0, successes: 0 }
      answered.set(id, tally)
      const isFailure = random() < 0.3
      if (isFailure) tally.failures++
      else if (tally.successes++ === 0) tally.succeededAt = performance.now()
      return new Response(null, { status: isFailure ? 503 : 204 })
    },
  })
  await registry.create({ name: 'chaos', url: 'https://receiver.example.com/', events: ['*'], maxInFlight: 64 })
  await dispatcher.start()
  const sent = new Map<string, Sent>()
  const dispatch = async (delayMs: number) => {
    const { eventId } = await dispatcher.dispatch('chaos.event', {}, { delayMs })
    sent.set(eventId, { dueAt: performance.now() + delayMs })
  }
  for (const jumpMs of jumps) {
    const until = performance.now() + betweenMs
    while (performance.now() < until) {
      await Promise.all([dispatch(0), dispatch(1_000)])
      await pause(20)
    }
    await leaveBehind(storage, dispatch)
    jumpedMs += jumpMs
  }
  const jumpedAt = performance.now()
  const isOpen = (id: string) => (answered.get(id)?.successes ?? 0) === 0
  while ([...sent.keys()].some(isOpen) && performance.now() - jumpedAt < longestDelayMs) await pause(50)
  await dispatcher.stop()
  await storage.close()
  const done = [...sent].flatMap(([id, { dueAt }]) => {
    const tally = answered.get(id)
    return tally === undefined || tally.successes === 0 ? [] : [{ ...tally, dueAt }]
  })
  const delays = done.map(({ succeededAt, dueAt, failures }) => succeededAt - dueAt - failures * waitMs)
  return {
    lost: sent.size - done.length,
    accepted: sent.size,
    extra: done.reduce((sum, { successes }) => sum + successes - 1, 0),
    longestDelayMs: Math.round(delays.reduce((longest, delay) => Math.max(longest, delay), 0)),
    deliveredWithinMs: Math.round(performance.now() - jumpedAt),
  }
}

// What a holder leaves that dies: leases that nobody renews.
async function leaveBehind(storage: Storage, dispatch: (delayMs: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: 20 }, async () => await dispatch(1)))
  await pause(2)
  await storage.claim({ limit: 20, leaseMs })
}

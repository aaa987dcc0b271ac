import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventDispatcher, memoryStorage, standardSchedule, WebhookRegistry, type Storage } from 'posthorn'
import { sqliteStorage } from 'posthorn/sqlite'
import { loopback } from './loopback.ts'
import { seededRandom } from './random.ts'
import type { Seeded, Verdict } from './scenario.ts'

/** How large it is. */
export interface LongScheduleOptions extends Seeded {
  readonly deliveries: number
}

// A wait is up to a tenth longer at random, and the clock is moved by so much of that tenth at a time.
const jitter = 0.1
const stepsPerJitter = 20

/** Goes through the whole of `standardSchedule` with a receiver that never answers well, on a clock that is moved by hand. */
export async function longSchedule({ deliveries, seed }: LongScheduleOptions): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-chaos-'))
  try {
    const maxFinished = 2 * deliveries
    const memory = await goThrough((clock) => memoryStorage({ clock, maxFinished }), deliveries, seed)
    const sqlite = await goThrough((clock) => sqliteStorage(join(folder, 'hooks.db'), { clock }), deliveries, seed)
    return { isGood: memory.isGood && sqlite.isGood, deliveries, memory, sqlite }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function goThrough(create: (clock: () => number) => Storage, deliveries: number, seed: number) {
  const begun = performance.now()
  const startMs = Date.UTC(2026, 0, 1)
  let nowMs = startMs
  const clock = () => nowMs
  const storage = create(clock)
  const registry = new WebhookRegistry({ storage, clock, addresses: loopback })
  const attempts = new Map<string, number[]>()
  let failed = 0
  const dispatcher = new EventDispatcher({
    registry,
    clock,
    random: seededRandom(seed),
    retry: { retries: 0 },
    schedule: standardSchedule,
    concurrency: 500,
    fetch: async (_url, init) => {
      const id = new Headers(init?.headers).get('webhook-id') ?? ''
      const instants = attempts.get(id)
      if (instants === undefined) attempts.set(id, [nowMs])
      else instants.push(nowMs)
      return new Response(null, { status: 500 })
    },
  })
  dispatcher.on('delivery.failed', ({ reason }) => {
    if (reason === 'exhausted') failed++
  })
  await registry.create({ name: 'chaos', url: 'https://receiver.example.com/', events: ['*'], maxInFlight: 500 })
  const events = Array.from({ length: deliveries }, (_, n) => ({ type: 'chaos.event', data: { n } }))
  for (let from = 0; from < deliveries; from += 500) await dispatcher.dispatchMany(events.slice(from, from + 500))
  await dispatcher.drain()
  for (let place = 0; ;) {
    const { nextDueInMs } = await storage.claim({ limit: 0, leaseMs: 1 })
    if (nextDueInMs === null) break
    // Only the shortest of the waits that are being waited can come first.
    while (nextDueInMs > (standardSchedule[place] ?? Infinity) * (1 + jitter)) place++
    nowMs += nextDueInMs + stepMs(place)
    await dispatcher.drain()
  }
  await dispatcher.stop()
  await storage.close()
  const waits = [...attempts.values()].map((instants) => instants.slice(1).map((at, n) => at - (instants[n] ?? 0)))
  const outside = waits.flat().length - waits.flatMap((each) => each.filter(isWithinJitter)).length
  const isComplete = waits.length === deliveries && waits.every(({ length }) => length === standardSchedule.length)
  return {
    isGood: isComplete && outside === 0 && failed === deliveries,
    lost: deliveries - waits.length,
    attempts: waits.flat().length + waits.length,
    waits: waits.flat().length,
    waitsOutsideTheirJitter: outside,
    jitter: spread(waits),
    failed,
    hoursOfTheClock: Number(((nowMs - startMs) / 3_600_000).toFixed(1)),
    seconds: Number(((performance.now() - begun) / 1000).toFixed(1)),
  }
}

function stepMs(place: number): number {
  return Math.ceil(((standardSchedule[place] ?? 0) * jitter) / stepsPerJitter)
}

function isWithinJitter(waitedMs: number, place: number): boolean {
  const wait = standardSchedule[place] ?? 0
  // At the latest with the first step after it was due.
  const latest = Math.round(wait * (1 + jitter)) + stepMs(place)
  return waitedMs >= wait && waitedMs <= latest
}

// The smallest and the largest part of a wait that was added to it, over all of them.
function spread(waits: readonly (readonly number[])[]): { readonly least: number; readonly most: number } {
  let least = Infinity
  let most = 0
  for (const each of waits) {
    for (const [place, waitedMs] of each.entries()) {
      const added = waitedMs / (standardSchedule[place] ?? 1) - 1
      least = Math.min(least, added)
      most = Math.max(most, added)
    }
  }
  return { least: Number(least.toFixed(4)), most: Number(most.toFixed(4)) }
}

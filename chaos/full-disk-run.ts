// Runs within a disk of its own (see full-disk.ts): fills it up, sees what is refused, makes room, and counts. Prints its figures as JSON.
import { openSync, rmSync, writeSync, closeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { EventDispatcher, PosthornError, WebhookRegistry } from 'posthorn'
import { sqliteStorage } from 'posthorn/sqlite'
import { loopback } from './loopback.ts'
import { seededRandom } from './random.ts'

const [folder = '', kind = '', rounds = '1', seed = '0'] = process.argv.slice(2)
const random = seededRandom(Number(seed))
const path = join(folder, 'hooks.db')
const database = new DatabaseSync(path)
const storage = sqliteStorage(database)
const registry = new WebhookRegistry({ storage, addresses: loopback })
const received = new Map<string, number>()
const dispatcher = new EventDispatcher({
  registry,
  leaseMs: 2_000,
  retry: { retries: 0 },
  schedule: Array.from({ length: 50 }, () => 100),
  fetch: async (_url, init) => {
    const id = new Headers(init?.headers).get('webhook-id') ?? ''
    const isFailure = random() < 0.03
    if (!isFailure) received.set(id, (received.get(id) ?? 0) + 1)
    return new Response(null, { status: isFailure ? 503 : 204 })
  },
})
await registry.create({ name: 'chaos', url: 'https://receiver.example.com/', events: ['*'], maxInFlight: 64 })
await dispatcher.start()

const accepted: string[] = []
const refusals: Record<string, number> = {}
let unclear = 0
const acceptedAfterwards: number[] = []
for (let round = 0; round < Number(rounds); round++) {
  await dispatchSome(50)
  fill()
  for (let refused = 0; refused < 50;) refused += await dispatchSome(20)
  await pause(500)
  makeRoom()
  let free = 0
  for (let tries = 0; tries < 100 && free === 0; tries++) {
    const before = accepted.length
    if ((await dispatchSome(50)) === 0) free = accepted.length - before
    else await pause(20)
  }
  acceptedAfterwards.push(free)
}
for (let looks = 0; looks < 600 && !(await isDone()); looks++) await pause(50)
await dispatcher.stop()
await storage.close()
const [integrity] = Object.values(database.prepare('PRAGMA integrity_check').get() ?? {})
const lost = accepted.filter((id) => !received.has(id)).length
const isGood = lost === 0 && unclear === 0 && integrity === 'ok' && acceptedAfterwards.every((count) => count > 0)
const extra = [...received.values()].reduce((sum, count) => sum + count - 1, 0)
console.log(
  JSON.stringify({ isGood, kind, lost, accepted: accepted.length, extra, refusals, acceptedAfterwards, integrity }),
)

async function dispatchSome(count: number): Promise<number> {
  let refused = 0
  await Promise.all(
    Array.from({ length: count }, async () => {
      try {
        accepted.push((await dispatcher.dispatch('chaos.event', { text: 'x'.repeat(4_000) })).eventId)
      } catch (error) {
        refused++
        const isClear = error instanceof PosthornError && error.code === 'STORAGE_FAILED'
        if (!isClear) unclear++
        const why = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
        refusals[why] = (refusals[why] ?? 0) + 1
      }
    }),
  )
  return refused
}

function fill(): void {
  if (kind === 'pages') return limitPages(1)
  const ballast = openSync(join(folder, 'ballast'), 'w')
  try {
    for (;;) writeSync(ballast, Buffer.alloc(4096))
  } catch (error) {
    if (Reflect.get(error as object, 'code') !== 'ENOSPC') throw error
  } finally {
    closeSync(ballast)
  }
}

function makeRoom(): void {
  if (kind === 'pages') limitPages(1_000_000)
  else rmSync(join(folder, 'ballast'))
}

// SQLite makes of a smaller limit what the database has now.
function limitPages(count: number): void {
  database.exec(`PRAGMA max_page_count = ${count}`)
}

async function isDone(): Promise<boolean> {
  await dispatcher.drain()
  const { ready, waiting, leased } = await storage.stats({})
  return ready + waiting + leased === 0
}

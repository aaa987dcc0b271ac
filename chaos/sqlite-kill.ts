import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { seededRandom } from './random.ts'
import { startReceiver } from './receiver.ts'

/** How hard it gets. */
export interface SqliteKillOptions {
  /** Events that are dispatched in all. */
  readonly events: number
  /** How often the sender is killed on the way. */
  readonly kills: number
  /** `SIGKILL`, or `SIGTERM`, which lets it stop. */
  readonly signal: 'SIGKILL' | 'SIGTERM'
  /** Repeats a run, as far as timing allows. */
  readonly seed: number
  /** A fault of `seededFaults` that the sender's storage has. */
  readonly fault?: string
}

const inFlight = 16
const sender = fileURLToPath(new URL('./sqlite-sender.ts', import.meta.url))

/**
 * Kills a sender on a SQLite file at random moments under load, and starts it again. Lost is always accepted minus received. A killed
 * sender may have sent what it could not record: at most what was in flight, each time. One that was told to stop has not.
 */
export async function sqliteKill(options: SqliteKillOptions) {
  const { events, kills, signal, seed, fault } = options
  const random = seededRandom(seed)
  const receiver = await startReceiver({ failureRate: 0.03, random: seededRandom(seed + 1) })
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-chaos-'))
  const path = join(folder, 'hooks.db')
  const accepted = new Map<number, string>()
  let killed = 0
  let child: ChildProcess | undefined
  try {
    const perLife = Math.ceil(events / (kills + 1))
    while (accepted.size < events || killed < kills) {
      const from = firstMissing(accepted, events)
      const to = killed < kills ? Math.min(events, from + perLife * 2) : events
      if (from === events && killed >= kills) break
      child = start([path, receiver.url, `${from}`, `${Math.max(to, from + 1)}`, `${inFlight}`], fault)
      const isDone = follow(child, accepted)
      // From its first acceptance on, any moment.
      const isAlive = await Promise.race([once(child, 'exit').then(() => false), isDone.first.then(() => true)])
      if (!isAlive) throw new Error('The sender ended by itself.')
      if (killed < kills) await new Promise((resolve) => setTimeout(resolve, random() * 120))
      else await isDone.all
      child.kill(killed < kills ? signal : 'SIGTERM')
      await once(child, 'exit')
      killed++
    }
    child = start([path, receiver.url, '0', '0', `${inFlight}`], fault)
    const last = child
    // With the engine in order it takes a second or two to deliver what is left.
    const timer = setTimeout(() => last.kill('SIGKILL'), 10_000)
    const [code] = await once(last, 'exit')
    clearTimeout(timer)
    const isFinished = code === 0
    const { lost, extra, requests } = measure(accepted, receiver.tallies)
    const integrity = integrityOf(path)
    const isGood = isFinished && lost === 0 && extra <= allowedExtra(options) && integrity === 'ok'
    return {
      isGood,
      isFinished,
      lost,
      extra,
      allowedExtra: allowedExtra(options),
      requests,
      accepted: accepted.size,
      kills,
      integrity,
      seed,
    }
  } finally {
    child?.kill('SIGKILL')
    receiver.close()
    await rm(folder, { recursive: true, force: true })
  }
}

// The most requests that may have been made beside the necessary ones.
function allowedExtra(options: SqliteKillOptions): number {
  return options.signal === 'SIGKILL' ? options.kills * inFlight : 0
}

function start(args: readonly string[], fault = ''): ChildProcess {
  const env = { ...process.env, CHAOS_FAULT: fault }
  return spawn(process.execPath, ['--no-warnings', sender, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env })
}

function follow(child: ChildProcess, accepted: Map<number, string>) {
  let tellFirst!: () => void
  let tellAll!: () => void
  const first = new Promise<void>((resolve) => (tellFirst = resolve))
  const all = new Promise<void>((resolve) => (tellAll = resolve))
  if (child.stdout === null) throw new Error('The sender has no output.')
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'done') return tellAll()
    const [n, id] = line.split(' ')
    // The last line of a killed process may be half of one.
    if (n !== undefined && id?.length === 36) accepted.set(Number(n), id)
    tellFirst()
  })
  return { first, all }
}

function firstMissing(accepted: ReadonlyMap<number, string>, events: number): number {
  for (let n = 0; n < events; n++) if (!accepted.has(n)) return n
  return events
}

function measure(
  accepted: ReadonlyMap<number, string>,
  tallies: ReadonlyMap<string, { requests: number; succeeded: number }>,
) {
  let lost = 0
  let extra = 0
  for (const id of accepted.values()) {
    const succeeded = tallies.get(id)?.succeeded ?? 0
    if (succeeded === 0) lost++
    else extra += succeeded - 1
  }
  const requests = [...tallies.values()].reduce((sum, tally) => sum + tally.requests, 0)
  return { lost, extra, requests }
}

function integrityOf(path: string): unknown {
  const database = new DatabaseSync(path)
  try {
    return Object.values(database.prepare('PRAGMA integrity_check').get() ?? {})[0]
  } finally {
    database.close()
  }
}

// A sender that is killed, stopped or frozen at any moment. It says `ready` when it is loaded, waits for its task, dispatches its
// events, tells each that was accepted (`+ n id`), and delivers until it is ended, or, the last one, until nothing is pending.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { EventDispatcher, WebhookRegistry } from 'posthorn'
import { loopback } from './loopback.ts'
import { withFault } from './seeded-faults.ts'
import { withSqlFault } from './sql-faults.ts'
import { openStore, type SenderStore } from './sender-store.ts'
import type { SenderTask } from './sender-task.ts'

const lanes = 16

// Synchronous, so that what was accepted is told before a kill.
const tell = (line: string) => writeSync(1, `${line}\n`)
const pause = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms))

const input = createInterface({ input: process.stdin })
input.once('line', (line) => void send(JSON.parse(line) as SenderTask)) // what sender-process.ts writes
// Whoever started it is gone.
input.once('close', () => process.exit(1))
tell('ready')

async function send(task: SenderTask): Promise<void> {
  const store = openStore(task.location, (executor) => withSqlFault(executor, task.fault, task.name))
  const storage = withFault(store.storage, task.fault)
  const dispatcher = new EventDispatcher({
    registry: new WebhookRegistry({ storage, addresses: loopback }),
    concurrency: task.inFlight,
    leaseMs: task.leaseMs,
    pollIntervalMs: 100,
    retry: { retries: 3, minTimeout: 20 },
    schedule: Array.from({ length: 20 }, () => 200),
  })
  dispatcher.on('delivery.lost', () => tell('lost'))
  const end = async () => {
    await dispatcher.stop()
    await store.close()
    process.exit(0)
  }
  process.once('SIGTERM', () => void end())
  await untilDone(async () => await dispatcher.start())
  await dispatchAll(dispatcher, store, task)
  tell('done')
  if (!task.isLast) return
  await untilDone(async () => {
    for (;;) {
      await dispatcher.drain()
      const { ready, waiting, leased } = await storage.stats({})
      if (ready + waiting + leased === 0) return
      await pause(50)
    }
  })
  await end()
}

async function dispatchAll(dispatcher: EventDispatcher, store: SenderStore, task: SenderTask): Promise<void> {
  const open = [...task.numbers]
  const dispatchNext = async () => {
    for (let n = open.shift(); n !== undefined; n = open.shift()) {
      const number = n
      const id = await untilDone(async () => await dispatchOne(dispatcher, store, task, number))
      tell(`+ ${n} ${id}`)
      if (task.paceMs > 0) await pause(task.paceMs)
    }
  }
  await Promise.all(Array.from({ length: lanes }, dispatchNext))
}

async function dispatchOne(
  dispatcher: EventDispatcher,
  store: SenderStore,
  task: SenderTask,
  n: number,
): Promise<string> {
  const dispatch = async (scope: { readonly tx?: unknown }) => {
    // The key makes an event that was accepted, but not heard of, the same one when it is dispatched again.
    const options = { idempotencyKey: `event-${n}`, ...scope }
    return (await dispatcher.dispatch(`chaos.w${n % task.webhooks}`, { n }, options)).eventId
  }
  const isJoined = task.transactionEvery > 0 && n % task.transactionEvery === 0
  return isJoined ? await store.transact(n, async (tx) => await dispatch({ tx })) : await dispatch({})
}

// A database that is away is what a run is about; anything else ends the process, and with it the run.
async function untilDone<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isOfDatabase(error)) throw error
      await pause(50)
    }
  }
}

function isOfDatabase(error: unknown): boolean {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  const isOurs = code === 'STORAGE_FAILED' || code === 'STORAGE_UNAVAILABLE'
  // Of pg, on the app's own connection: a SQLSTATE of a server that shuts down, or an error of the network.
  const isBroken = typeof code === 'string' && /^(57P0\d|08\d{3}|E[A-Z]+)$/.test(code)
  return isOurs || isBroken || (error instanceof Error && /^Connection terminated|not queryable/.test(error.message))
}

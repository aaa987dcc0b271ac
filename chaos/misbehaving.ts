import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createSender, type Sender } from '../src/delivery/send.ts'
import { AddressPolicy } from '../src/registry/address-policy/address-policy.ts'
import { misbehaviours } from '../test/support/misbehaving/catalogue.ts'
import type { Misbehaviour } from '../test/support/misbehaving/misbehaviour.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void // what the flag above adds
const MiB = 2 ** 20
const timeoutMs = 400

/**
 * Sends to every receiver that misbehaves: one at a time, measuring time and memory, then all of them `rounds` times over, watching the
 * resident set. Good where each met what is documented, within its time limit and 0.5 s, added at most 8 MiB, and nothing is left: no socket, nothing alive, and a resident set that grows by no more
 * than what allocators keep.
 */
export async function misbehavingReceivers({ rounds }: { readonly rounds: number }) {
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', onUnhandled).on('uncaughtException', onUnhandled)
  const { urls, end } = await startReceivers()
  const sender = createSender({
    timeoutMs,
    connectTimeoutMs: timeoutMs,
    maxResponseBytes: 16_384,
    addresses: new AddressPolicy({
      allow: ['127.0.0.0/8', 'receiver.example.com'],
      allowHttp: true,
      resolver: async () => ['127.0.0.1'],
    }),
    clock: Date.now,
  })
  const faults: string[] = []
  let [addedMiB, lateMs] = [0, 0]
  for (const [index, misbehaviour] of misbehaviours.entries()) {
    const seen = await bestOfThree(() => measured(sender, misbehaviour, urls[index] ?? ''))
    addedMiB = Math.max(addedMiB, seen.addedMiB)
    lateMs = Math.max(lateMs, seen.durationMs - timeoutMs)
    if (!seen.isGood) faults.push(`${misbehaviour.name}: ${JSON.stringify(seen)}`)
  }
  await soak(sender, urls, 6) // until the allocators have what they keep
  const { resident, live } = await soak(sender, urls, rounds)
  await sender.close()
  const sockets = await socketsLeft()
  end()
  process.off('unhandledRejection', onUnhandled).off('uncaughtException', onUnhandled)
  const [grownMiB, liveGrownMiB] = [growth(resident), growth(live)]
  const slopeKiB = slope(resident) * 1_024
  const isLeft = sockets > 0 || unhandled.length > 0
  const isGood = faults.length === 0 && !isLeft && grownMiB <= 16 && liveGrownMiB <= 1
  return {
    isGood,
    receivers: misbehaviours.length,
    rounds,
    addedMiB,
    lateMs,
    grownMiB,
    liveGrownMiB,
    slopeKiB: round(slopeKiB),
    sockets,
    unhandled,
    faults,
  }
}

async function startReceivers() {
  const child = fork(new URL('./misbehaving-process.ts', import.meta.url), {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  if (child.stdout === null) throw new Error('the receivers have no output')
  const [line] = await once(child.stdout, 'data')
  return { urls: JSON.parse(String(line)) as string[], end: () => child.kill() } // as the child prints them
}

// A busy machine delays anybody now and then; what a receiver does to us, it does each time.
async function bestOfThree<Seen extends { readonly isGood: boolean }>(look: () => Promise<Seen>): Promise<Seen> {
  let seen = await look()
  for (let tries = 1; tries < 3 && !seen.isGood; tries++) seen = await look()
  return seen
}

async function measured(sender: Sender, { meets, bodyBytes = 2 }: Misbehaviour, url: string) {
  const body = Buffer.alloc(bodyBytes, 'x').toString('latin1') // in one piece, not as the rope that repeat makes
  const before = liveMiB()
  let peak = before
  const timer = setInterval(() => (peak = Math.max(peak, liveMiB())), 20)
  const outcome = await sender.send({ url, headers: {}, body })
  clearInterval(timer)
  // The request's own bytes are not what the receiver adds.
  const addedMiB = round(Math.max(peak, liveMiB()) - before - bodyBytes / MiB)
  const met = outcome.status ?? outcome.error ?? ''
  const isGood = (meets as readonly unknown[]).includes(met) && outcome.durationMs <= timeoutMs + 500 && addedMiB <= 8 // widened to ask
  return { isGood, met, durationMs: outcome.durationMs, addedMiB }
}

/** Sends to all at once, again and again; the resident set and what is alive after each round, in MiB. */
async function soak(sender: Sender, urls: readonly string[], rounds: number) {
  const resident: number[] = []
  const live: number[] = []
  for (let n = 0; n < rounds; n++) {
    await Promise.all(urls.map(async (url) => await sender.send({ url, headers: {}, body: 'x' })))
    live.push(await settledMiB())
    resident.push(process.memoryUsage.rss() / MiB)
  }
  return { resident, live }
}

// From the first third to the last.
function growth(resident: readonly number[]): number {
  const third = Math.max(1, Math.floor(resident.length / 3))
  return round(median(resident.slice(-third)) - median(resident.slice(0, third)))
}

/**
 * How much a value grows with each round, by least squares. V8 lets its young generation grow when much is thrown away, which is no leak:
 * `NODE_OPTIONS=--max-semi-space-size=1` holds it still.
 */
function slope(values: readonly number[]): number {
  const [middle, mean] = [(values.length - 1) / 2, values.reduce((sum, value) => sum + value, 0) / values.length]
  let [up, across] = [0, 0]
  for (const [n, value] of values.entries()) {
    up += (n - middle) * (value - mean)
    across += (n - middle) ** 2
  }
  return across === 0 ? 0 : up / across
}

// A socket that was destroyed is gone a turn or two later.
async function socketsLeft(): Promise<number> {
  for (let looks = 1; ; looks++) {
    const left = process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
    if (left === 0 || looks === 40) return left
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

// What a request held is let go a turn or two after its answer: up to 10 MiB of responses that were cut off.
async function settledMiB(): Promise<number> {
  liveMiB()
  await new Promise((resolve) => setTimeout(resolve, 100))
  return liveMiB()
}

function liveMiB(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / MiB
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

import { type Benchmark, type Figure, type Plan, scaled } from './harness/benchmark.ts'
import { Child } from './harness/child.ts'
import { Receiver } from './harness/receiver.ts'
import { quantile, spreadOf } from './harness/stats.ts'
import { formatSpread, type Table } from './harness/table.ts'

const storages = ['memory', 'sqlite', 'postgres']
const webhooks = 50
// To 50 webhooks each: well below what any of the storages can do.
const eventsPerSecond = 5

/** The 99th percentile of the others' latency, in milliseconds. */
interface Round {
  readonly quiet: number
  readonly noisy: number
  /** How many requests the others got in the noisy half. */
  readonly received: number
}

type Rounds = ReadonlyMap<string, readonly Round[]>

/** What 49 webhooks notice of one that never answers. */
export const noisyNeighbour: Benchmark = {
  name: 'noisy',
  title: `Noisy neighbour: ${webhooks} webhooks, one of which hangs until the timeout`,
  async run(plan) {
    const rounds = await measure(plan)
    return { tables: [table(rounds)], figures: figures(rounds) }
  },
}

async function measure(plan: Plan): Promise<Rounds> {
  const receiver = await Receiver.start()
  await receiver.measureDelays()
  const children = new Map<string, Child>()
  const rounds = new Map<string, Round[]>()
  const events = scaled(plan, 40, 3)
  const delays = async (child: Child, tenantId: string) => {
    await child.call('settle')
    await receiver.takeDelays()
    await child.call('round', { tenantId, events, rate: eventsPerSecond })
    return await receiver.takeDelays()
  }
  try {
    for (const storage of plan.isSmoke ? storages.slice(0, 1) : storages) {
      const child = new Child(new URL('noisy/noisy-process.ts', import.meta.url), plan.nodeFlags)
      children.set(storage, child)
      rounds.set(storage, [])
      await child.call('create', { storage, url: receiver.url, webhooks })
      await delays(child, 'quiet')
    }
    for (let round = 0; round < plan.rounds; round++) {
      for (const [storage, child] of round % 2 === 0 ? [...children] : [...children].toReversed()) {
        rounds.get(storage)?.push(await turn(round, (tenantId) => delays(child, tenantId)))
      }
    }
  } finally {
    await Promise.all([...children.values(), receiver].map((each) => each.stop()))
  }
  return rounds
}

async function turn(round: number, delays: (tenantId: string) => Promise<number[]>): Promise<Round> {
  const p99 = new Map<string, number>()
  let received = 0
  for (const tenantId of round % 2 === 0 ? ['quiet', 'noisy'] : ['noisy', 'quiet']) {
    const took = await delays(tenantId)
    p99.set(tenantId, quantile(took, 0.99))
    if (tenantId === 'noisy') received = took.length
  }
  return { quiet: p99.get('quiet') ?? Number.NaN, noisy: p99.get('noisy') ?? Number.NaN, received }
}

function table(rounds: Rounds): Table {
  return {
    title: `p99 from dispatch to received of the others, ${eventsPerSecond} events a second to all ${webhooks}`,
    columns: ['', 'with, of without', 'without, ms', 'with, ms', 'received by the others'],
    rows: [...rounds].map(([storage, own]) => [
      `posthorn, ${storage}`,
      formatSpread(spreadOf(own.map(({ noisy, quiet }) => noisy / quiet))),
      formatSpread(spreadOf(own.map(({ quiet }) => quiet))),
      formatSpread(spreadOf(own.map(({ noisy }) => noisy))),
      formatSpread(spreadOf(own.map(({ received }) => received))),
    ]),
  }
}

function figures(rounds: Rounds): Figure[] {
  return [...rounds].flatMap(([storage, own]): Figure[] => [
    {
      name: `p99 of the others on ${storage}, beside one that hangs`,
      measured: spreadOf(own.map(({ noisy }) => noisy)),
      unit: 'ms',
      target: 250,
      direction: '<=',
    },
    {
      name: `p99 of the others on ${storage}, of what it is without`,
      measured: spreadOf(own.map(({ noisy, quiet }) => noisy / quiet)),
      unit: 'x',
      target: 2,
      direction: '<=',
    },
  ])
}

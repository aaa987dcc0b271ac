import { type Benchmark, type Figure, type Plan, scaled } from './harness/benchmark.ts'
import { Child } from './harness/child.ts'
import { Receiver } from './harness/receiver.ts'
import { quantile, spreadOf } from './harness/stats.ts'
import { formatSpread, type Table } from './harness/table.ts'

const direct = 'fetch'
const targets = [
  { storage: 'memory', target: 1 },
  { storage: 'sqlite', target: 3 },
  { storage: 'postgres', target: 3 },
]

/** Milliseconds of one round. */
interface Round {
  readonly idleP50: number
  readonly idleP99: number
  readonly loadedP50: number
  readonly loadedP99: number
  /** How many a second half load was. */
  readonly halfRate: number
}

type Rounds = ReadonlyMap<string, readonly Round[]>

/** How long it takes from the call of `dispatch` until the receiver has the request. */
export const latency: Benchmark = {
  name: 'latency',
  title: 'Latency: from dispatch to received, against a direct fetch; idle, and at half of what each can do',
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
  try {
    const storages = plan.isSmoke ? ['memory'] : targets.map(({ storage }) => storage)
    for (const sender of [direct, ...storages]) {
      const child = new Child(new URL('latency/latency-process.ts', import.meta.url), plan.nodeFlags)
      children.set(sender, child)
      rounds.set(sender, [])
      await child.call('create', { sender, url: `${receiver.url}/hook` })
      await child.call('flood', scaled(plan, 2000, 20))
    }
    for (let round = 0; round < plan.rounds; round++) {
      const order = round % 2 === 0 ? [...children] : [...children].toReversed()
      for (const [sender, child] of order) rounds.get(sender)?.push(await turn(plan, child, receiver))
    }
  } finally {
    await Promise.all([...children.values(), receiver].map((each) => each.stop()))
  }
  return rounds
}

async function turn(plan: Plan, child: Child, receiver: Receiver): Promise<Round> {
  const halfRate = (await child.call<number>('flood', scaled(plan, 2000, 20))) / 2
  await receiver.takeDelays()
  await child.call('idle', scaled(plan, 300, 10))
  const idle = await receiver.takeDelays()
  await child.call('pace', { count: Math.ceil(halfRate * (plan.isSmoke ? 0.1 : 2)), rate: halfRate })
  const loaded = await receiver.takeDelays()
  return {
    idleP50: quantile(idle, 0.5),
    idleP99: quantile(idle, 0.99),
    loadedP50: quantile(loaded, 0.5),
    loadedP99: quantile(loaded, 0.99),
    halfRate,
  }
}

function table(rounds: Rounds): Table {
  return {
    title: 'Milliseconds from dispatch to received',
    columns: [
      '',
      'idle, added p50',
      'idle p50',
      'idle p99',
      'half load p50',
      'half load p99',
      'half load is, a second',
    ],
    rows: [...rounds.keys()].map((sender) => [
      sender === direct ? 'direct fetch' : `posthorn, ${sender}`,
      formatSpread(spreadOf(added(rounds, sender))),
      ...(['idleP50', 'idleP99', 'loadedP50', 'loadedP99', 'halfRate'] as const).map((figure) =>
        formatSpread(spreadOf((rounds.get(sender) ?? []).map((round) => round[figure]))),
      ),
    ]),
  }
}

function figures(rounds: Rounds): Figure[] {
  return targets
    .filter(({ storage }) => rounds.has(storage))
    .map(({ storage, target }) => ({
      name: `added latency p50 on ${storage}, idle`,
      measured: spreadOf(added(rounds, storage)),
      unit: 'ms',
      target,
      direction: '<=',
    }))
}

function added(rounds: Rounds, sender: string): number[] {
  const base = rounds.get(direct) ?? []
  return (rounds.get(sender) ?? []).map(({ idleP50 }, round) => idleP50 - (base[round]?.idleP50 ?? Number.NaN))
}

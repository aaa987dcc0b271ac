import { explainMatch, type MatchPlan } from './fan-out/match-plan.ts'
import type { FanOutFigures } from './fan-out/fan-out-process.ts'
import { type Benchmark, type Figure, type Plan, scaled } from './harness/benchmark.ts'
import { Child } from './harness/child.ts'
import { Receiver } from './harness/receiver.ts'
import { spreadOf } from './harness/stats.ts'
import { formatSpread, type Table } from './harness/table.ts'

const storages = ['memory', 'sqlite', 'postgres']
// What is flat on a machine that does other things as well.
const flat = 1.1

interface Point extends FanOutFigures {
  readonly storage: string
  readonly webhooks: number
  readonly round: number
}

/** What one delivery costs as events go to more and more webhooks. */
export const fanOut: Benchmark = {
  name: 'fan-out',
  title: 'Fan-out: one event to 1, 10, 100, 1,000 and 10,000 webhooks',
  async run(plan) {
    const largest = scaled(plan, 10_000, 10)
    const sizes = [1, 10, 100, 1000, 10_000].filter((size) => size <= largest)
    const points = await measure(plan, sizes)
    const match = await explainMatch(plan.isSmoke ? 200 : 10_000)
    return {
      tables: storages.map((storage) => table(storage, sizes, points)),
      figures: [...costFigures(sizes, points), matchFigure(match)],
      notes: [`How ${match.matching} of ${match.webhooks} webhooks are matched:\n\n${match.text}`],
    }
  },
}

async function measure(plan: Plan, sizes: readonly number[]): Promise<Point[]> {
  const receiver = await Receiver.start()
  const children = new Map<string, Child>()
  const points: Point[] = []
  try {
    for (const storage of storages) {
      const child = new Child(new URL('fan-out/fan-out-process.ts', import.meta.url), plan.nodeFlags)
      children.set(storage, child)
      await child.call('create', storage)
      for (const webhooks of sizes) await child.call('register', { url: `${receiver.url}/hook`, webhooks })
    }
    // At least one event, and enough deliveries for a figure.
    const total = scaled(plan, 5_000, 20)
    for (let round = -1; round < plan.rounds; round++) {
      const turns = [...children].flatMap(([storage, child]) => sizes.map((webhooks) => ({ storage, child, webhooks })))
      for (const { storage, child, webhooks } of round % 2 === 0 ? turns : turns.toReversed()) {
        const events = Math.max(1, Math.ceil(total / webhooks))
        const figures = await child.call<FanOutFigures>('round', { webhooks, events })
        if (round >= 0) points.push({ storage, webhooks, round, ...figures })
      }
    }
  } finally {
    await Promise.all([...children.values(), receiver].map((each) => each.stop()))
  }
  return points
}

function table(storage: string, sizes: readonly number[], points: readonly Point[]): Table {
  const own = (webhooks: number, figure: keyof FanOutFigures) =>
    points.filter((point) => point.storage === storage && point.webhooks === webhooks).map((point) => point[figure])
  return {
    title: `${storage}: cost of one delivery`,
    columns: ['webhooks', 'of the cost at 1', 'CPU of that at 1', 'µs', 'CPU µs'],
    rows: sizes.map((webhooks) => [
      webhooks.toLocaleString('en-US'),
      formatSpread(spreadOf(relative(points, storage, webhooks, 'wallUs'))),
      formatSpread(spreadOf(relative(points, storage, webhooks, 'cpuUs'))),
      formatSpread(spreadOf(own(webhooks, 'wallUs'))),
      formatSpread(spreadOf(own(webhooks, 'cpuUs'))),
    ]),
  }
}

function costFigures(sizes: readonly number[], points: readonly Point[]): Figure[] {
  return storages.flatMap((storage) =>
    sizes.slice(1).map((webhooks): Figure => ({
      name: `${storage}: cost of a delivery at ${webhooks} webhooks, of that at 1`,
      measured: spreadOf(relative(points, storage, webhooks, 'wallUs')),
      unit: 'x',
      target: flat,
      direction: '<=',
    })),
  )
}

function matchFigure({ matching, rowsRead }: MatchPlan): Figure {
  return {
    name: `rows that a step of matching reads, of the ${matching} that match`,
    measured: spreadOf([rowsRead / matching]),
    unit: 'x',
    target: 1,
    direction: '<=',
  }
}

function relative(points: readonly Point[], storage: string, webhooks: number, figure: keyof FanOutFigures): number[] {
  const of = (count: number) => points.filter((point) => point.storage === storage && point.webhooks === count)
  const base = of(1)
  return of(webhooks).map(
    (point) => point[figure] / (base.find(({ round }) => round === point.round)?.[figure] ?? Number.NaN),
  )
}

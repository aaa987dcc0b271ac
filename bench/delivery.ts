import { type Benchmark, type Figure, scaled } from './harness/benchmark.ts'
import { Receiver } from './harness/receiver.ts'
import { type Entry, interleave, ratios, type Results, values } from './harness/rounds.ts'
import { spreadOf } from './harness/stats.ts'
import { formatSpread, type Table } from './harness/table.ts'

const bare = 'bare undici.request'
const targets = [
  { storage: 'memory', target: 0.9, aim: 0.95 },
  { storage: 'sqlite', target: 0.65, aim: 0.75 },
  { storage: 'postgres', target: 0.7, aim: 0.8 },
]

// What the databases of this machine allow, and what the tables of Posthorn's promises do: see contenders/least.ts.
const bounds = ['sqlite', 'postgres', ...targets.map(({ storage }) => `storage ${storage}`)]

/** Delivering against a bare loop of requests with the same signature. */
export const delivery: Benchmark = {
  name: 'delivery',
  title: 'Delivery: events of 1 KiB, 64 in flight, to a receiver on loopback',
  async run(plan) {
    const count = scaled(plan, 10_000, 200)
    const entries: Entry[] = [
      { name: bare, module: new URL('contenders/bare-undici.ts', import.meta.url), variant: '' },
      ...targets.map(({ storage }) => ({
        name: `posthorn, ${storage}`,
        module: new URL('contenders/posthorn.ts', import.meta.url),
        variant: storage,
      })),
      ...bounds.map((variant) => ({
        name: `least, ${variant.replace('storage ', "posthorn's ")}`,
        module: new URL('contenders/least.ts', import.meta.url),
        variant,
      })),
    ]
    const receiver = await Receiver.start()
    try {
      const results = await interleave(plan, receiver, entries, count)
      return { tables: [table(results, count)], figures: figures(results) }
    } finally {
      await receiver.stop()
    }
  },
}

function table(results: Results, count: number): Table {
  return {
    title: `${count} events a round`,
    columns: ['', 'rate of bare', 'CPU of bare', 'a second', 'CPU s per 1,000', 'of servers', 'statements each'],
    rows: [...results.keys()].map((name) => [
      name,
      formatSpread(spreadOf(ratios(results, name, bare))),
      formatSpread(spreadOf(ratios(results, name, bare, 'cpuSecondsPerThousand'))),
      formatSpread(spreadOf(values(results, name, 'rate'))),
      formatSpread(spreadOf(values(results, name, 'cpuSecondsPerThousand'))),
      formatSpread(spreadOf(values(results, name, 'serverCpuSecondsPerThousand'))),
      formatSpread(spreadOf(values(results, name, 'statements'))),
    ]),
  }
}

function figures(results: Results): Figure[] {
  return targets.map(({ storage, target, aim }) => ({
    name: `delivery on ${storage} of bare undici.request`,
    measured: spreadOf(ratios(results, `posthorn, ${storage}`, bare)),
    unit: 'x',
    target,
    aim,
    direction: '>=',
  }))
}

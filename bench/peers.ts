import { type Benchmark, type Figure, scaled } from './harness/benchmark.ts'
import { Receiver } from './harness/receiver.ts'
import { type Entry, interleave, ratios, type Results, values } from './harness/rounds.ts'
import { spreadOf } from './harness/stats.ts'
import { formatSpread, type Table } from './harness/table.ts'

const own = 'posthorn, postgres'
// How far anybody comes on this machine who writes first, delivers and records: see contenders/least.ts.
const least = 'least, postgres + undici'
// The same over the tables of Posthorn's promises: how far any engine above them comes.
const leastOverOurs = "least, posthorn's postgres + undici"
const queues = ['bullmq', 'pg-boss', 'graphile-worker']
const outbox = 'outbox table, row by row'

/** Delivering against what a user would write instead. */
export const peers: Benchmark = {
  name: 'peers',
  title: 'What a user would write instead: a job queue or an outbox table, each with fetch and with undici',
  async run(plan) {
    const count = scaled(plan, 5_000, 60)
    const receiver = await Receiver.start()
    try {
      const results = await interleave(
        plan,
        receiver,
        entries(count, plan.isSmoke ? ['fetch'] : ['fetch', 'undici']),
        count,
      )
      return { tables: [table(results, count)], figures: figures(results) }
    } finally {
      await receiver.stop()
    }
  },
}

function entries(count: number, clients: readonly string[]): Entry[] {
  const slow = Math.ceil(count / 4)
  return [
    { name: own, module: contender('posthorn'), variant: 'postgres' },
    { name: least, module: contender('least'), variant: 'postgres' },
    { name: leastOverOurs, module: contender('least'), variant: 'storage postgres' },
    ...clients.flatMap((client) => [
      ...queues.map((queue) => ({ name: `${queue} + ${client}`, module: contender(queue), variant: client })),
      { name: `${outbox} + ${client}`, module: contender('outbox'), variant: `${client} serial`, count: slow },
      { name: `outbox table, 64 at once + ${client}`, module: contender('outbox'), variant: `${client} at-once` },
    ]),
  ]
}

function contender(name: string): URL {
  return new URL(`contenders/${name}.ts`, import.meta.url)
}

function table(results: Results, count: number): Table {
  return {
    title: `${count} events of 1 KiB a round (a quarter of it for the rows one by one), 64 in flight, enqueuing included`,
    columns: [
      '',
      'posthorn is',
      'its CPU is',
      'least is',
      'on our tables',
      'a second',
      'CPU s per 1,000',
      'of servers',
      'SQL statements each',
    ],
    rows: [...results.keys()].map((name) => [
      name,
      `${formatSpread(spreadOf(ratios(results, own, name)))} x`,
      `${formatSpread(spreadOf(ratios(results, own, name, 'cpuSecondsPerThousand')))} x`,
      `${formatSpread(spreadOf(ratios(results, least, name)))} x`,
      `${formatSpread(spreadOf(ratios(results, leastOverOurs, name)))} x`,
      formatSpread(spreadOf(values(results, name, 'rate'))),
      formatSpread(spreadOf(values(results, name, 'cpuSecondsPerThousand'))),
      formatSpread(spreadOf(values(results, name, 'serverCpuSecondsPerThousand'))),
      formatSpread(spreadOf(values(results, name, 'statements'))),
    ]),
  }
}

function figures(results: Results): Figure[] {
  const over = (name: string, target: number): Figure => ({
    name: `posthorn on postgres over ${name}`,
    measured: spreadOf(ratios(results, own, name)),
    unit: 'x',
    target,
    direction: '>=',
  })
  return [
    ...queues.map((queue) => over(`${queue} + fetch`, 3)),
    over(`${outbox} + fetch`, 8),
    ...[...queues, outbox]
      .map((name) => `${name} + undici`)
      .filter((name) => results.has(name))
      .map((name) => over(name, 1.3)),
    {
      name: 'statements a delivery',
      measured: spreadOf(values(results, own, 'statements')),
      unit: 'statements',
      target: 0.1,
      direction: '<=',
    },
  ]
}

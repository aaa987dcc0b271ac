import { postgresStorage } from 'posthorn/postgres'
import type { Reading } from './growth/listing-process.ts'
import { seed, type Seed } from './growth/seed.ts'
import { type Benchmark, type Figure, type Plan, scaled } from './harness/benchmark.ts'
import { Child } from './harness/child.ts'
import { openSchema, type Schema } from './harness/postgres-schema.ts'
import { Receiver } from './harness/receiver.ts'
import { type Entry, interleave, ratios, type Results, values } from './harness/rounds.ts'
import { spreadOf } from './harness/stats.ts'
import { formatNumber, formatSpread, type Table } from './harness/table.ts'

interface Stage extends Seed {
  readonly name: string
}

interface Filled extends Stage {
  readonly schema: Schema
}

const empty = 'empty'
const largest = '5,000,000 finished'
const stages: readonly Stage[] = [
  { name: empty, finished: 0, parked: 0 },
  { name: '100,000 finished', finished: 100_000, parked: 0 },
  { name: '1,000,000 finished', finished: 1_000_000, parked: 0 },
  { name: largest, finished: 5_000_000, parked: 0 },
  { name: '1,000,000 parked', finished: 0, parked: 1_000_000 },
]
// One with rows in the tables shows that the tables are still what the seed takes them for.
const smokeStages = stages.filter(({ name }) => name === empty || name === largest)
const maxPageMs = 20

/** Whether history and a backlog that waits slow anything down, on Postgres. */
export const growth: Benchmark = {
  name: 'growth',
  title: 'Growth: the same run with up to five million finished deliveries in the tables, and with one million parked',
  async run(plan) {
    const filled: Filled[] = []
    const receiver = await Receiver.start()
    try {
      for (const stage of plan.isSmoke ? smokeStages : stages) filled.push(await fill(plan, stage))
      const count = scaled(plan, 5_000, 60)
      const results = await interleave(plan, receiver, entries(filled), count)
      const readings = await read(plan, filled)
      return {
        tables: [rateTable(plan, results, count), readingTable(plan, readings)],
        figures: [...rateFigures(results), ...readingFigures(readings)],
      }
    } finally {
      await receiver.stop()
      for (const { schema } of filled) await schema.remove()
    }
  },
}

async function fill(plan: Plan, stage: Stage): Promise<Filled> {
  const schema = await openSchema()
  const [finished, parked] = [stage.finished, stage.parked].map((count) => Math.round(count * plan.scale))
  try {
    await postgresStorage(schema.pool, { schema: schema.schema }).migrate()
    await seed(schema.pool, schema.schema, { finished: finished ?? 0, parked: parked ?? 0 })
  } catch (error) {
    await schema.remove()
    throw error
  }
  return { ...stage, schema }
}

function entries(filled: readonly Filled[]): Entry[] {
  return filled.map(({ name, schema }) => ({
    name,
    module: new URL('contenders/posthorn.ts', import.meta.url),
    variant: `postgres ${schema.schema}`,
  }))
}

/** Readings by stage, round by round. */
type Readings = ReadonlyMap<string, readonly (readonly Reading[])[]>

async function read(plan: Plan, filled: readonly Filled[]): Promise<Readings> {
  const readings = new Map<string, Reading[][]>()
  const children = new Map<string, Child>()
  try {
    for (const { name, schema } of filled) {
      const child = new Child(new URL('growth/listing-process.ts', import.meta.url), plan.nodeFlags)
      children.set(name, child)
      await child.call('create', `postgres ${schema.schema}`)
      readings.set(name, [])
    }
    for (let round = 0; round < plan.rounds; round++) {
      const order = round % 2 === 0 ? [...children] : [...children].toReversed()
      for (const [name, child] of order) {
        readings.get(name)?.push(await child.call<Reading[]>('read', scaled(plan, 100, 5)))
      }
    }
  } finally {
    await Promise.all([...children.values()].map((child) => child.stop()))
  }
  return readings
}

function rateTable(plan: Plan, results: Results, count: number): Table {
  return {
    title: `${count} events of 1 KiB a round, on Postgres; the tables hold ${formatNumber(plan.scale)} times as many rows as it says`,
    columns: ['in the tables', 'of empty', 'a second', 'CPU s per 1,000', 'statements each'],
    rows: [...results.keys()].map((name) => [
      name,
      formatSpread(spreadOf(ratios(results, name, empty))),
      formatSpread(spreadOf(values(results, name, 'rate'))),
      formatSpread(spreadOf(values(results, name, 'cpuSecondsPerThousand'))),
      formatSpread(spreadOf(values(results, name, 'statements'))),
    ]),
  }
}

function readingTable(plan: Plan, readings: Readings): Table {
  const names = (readings.get(empty)?.[0] ?? []).map(({ name }) => name)
  return {
    title: `How long reading takes, p50 / p99 in ms (medians of ${plan.rounds} rounds)`,
    columns: ['', ...readings.keys()],
    rows: names.map((name) => [
      name,
      ...[...readings.keys()].map(
        (stage) =>
          `${formatNumber(spreadOf(pick(readings, stage, name, 'p50')).median)} / ${formatNumber(spreadOf(pick(readings, stage, name, 'p99')).median)}`,
      ),
    ]),
  }
}

function rateFigures(results: Results): Figure[] {
  const others = [...results.keys()].filter((name) => name !== empty)
  return others.map((name) => ({
    name: `rate with ${name}, of that on empty tables`,
    measured: spreadOf(ratios(results, name, empty)),
    unit: 'x',
    target: 0.9,
    direction: '>=',
  }))
}

function readingFigures(readings: Readings): Figure[] {
  const names = (readings.get(largest)?.[0] ?? []).map(({ name }) => name)
  return names.map((name) => ({
    name: `p99 of ${name} with ${largest}`,
    measured: spreadOf(pick(readings, largest, name, 'p99')),
    unit: 'ms',
    target: maxPageMs,
    direction: '<=',
  }))
}

function pick(readings: Readings, stage: string, name: string, figure: 'p50' | 'p99'): number[] {
  return (readings.get(stage) ?? []).flatMap((round) =>
    round.filter((reading) => reading.name === name).map((reading) => reading[figure]),
  )
}

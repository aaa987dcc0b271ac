import { setTimeout as pause } from 'node:timers/promises'
import { postgresStorage } from 'posthorn/postgres'
import { type Benchmark, type Plan, scaled } from './harness/benchmark.ts'
import { Child } from './harness/child.ts'
import { openSchema } from './harness/postgres-schema.ts'
import { Receiver } from './harness/receiver.ts'
import { spreadOf } from './harness/stats.ts'
import { formatSpread, type Table } from './harness/table.ts'
import type { Spent } from './processes/processes-process.ts'

const sizes = [1, 2, 4]
const longestRoundMs = 120_000

interface Round {
  /** Deliveries in a second, of all processes together. */
  readonly rate: number
  readonly cpuSecondsPerThousand: number
  readonly statements: number
}

/** What several processes on one Postgres do to each other. */
export const processes: Benchmark = {
  name: 'processes',
  title: 'Processes: the same events, dispatched and delivered by one, two and four processes on one Postgres',
  async run(plan) {
    const chosen = plan.isSmoke ? sizes.slice(0, 2) : sizes
    const count = scaled(plan, 8_000, 80)
    const rounds = await measure(plan, chosen, count)
    return { tables: [table(rounds, count)], figures: [] }
  },
}

async function measure(plan: Plan, chosen: readonly number[], count: number): Promise<Map<number, Round[]>> {
  const receiver = await Receiver.start()
  const { pool, schema, remove } = await openSchema()
  const children: Child[] = []
  const rounds = new Map<number, Round[]>(chosen.map((size) => [size, []]))
  try {
    await postgresStorage(pool, { schema }).migrate()
    for (let number = 0; number < Math.max(...chosen); number++) {
      const child = new Child(new URL('processes/processes-process.ts', import.meta.url), plan.nodeFlags)
      children.push(child)
      await child.call('create', { storage: `postgres ${schema}`, url: `${receiver.url}/hook`, name: `app${number}` })
    }
    // One round goes before those that count.
    for (let round = -1; round < plan.rounds; round++) {
      for (const size of round % 2 === 0 ? chosen : chosen.toReversed()) {
        const figures = await turn(children.slice(0, size), receiver, count)
        if (round >= 0) rounds.get(size)?.push(figures)
      }
    }
  } finally {
    await Promise.all([...children, receiver].map((each) => each.stop()))
    await remove()
  }
  return rounds
}

async function turn(children: readonly Child[], receiver: Receiver, count: number): Promise<Round> {
  const share = Math.floor(count / children.length)
  const expected = share * children.length
  await Promise.all(children.map((child) => child.call('start')))
  await spentBy(children)
  await receiver.takeCount()
  const started = performance.now()
  const dispatched = Promise.all(children.map((child) => child.call('dispatch', share, longestRoundMs)))
  let received = 0
  while (received < expected) {
    if (performance.now() - started > longestRoundMs) throw new Error(`Only ${received} of ${expected} have come.`)
    await pause(5)
    received += await receiver.takeCount()
  }
  const seconds = (performance.now() - started) / 1000
  await dispatched
  // What was received last is recorded by then.
  await Promise.all(children.map((child) => child.call('stop')))
  if (received !== expected) throw new Error(`${received} requests came for ${expected} deliveries.`)
  const { cpuUs, statements } = await spentBy(children)
  return {
    rate: expected / seconds,
    cpuSecondsPerThousand: cpuUs / 1e6 / (expected / 1000),
    statements: statements / expected,
  }
}

async function spentBy(children: readonly Child[]): Promise<Spent> {
  const each = await Promise.all(children.map((child) => child.call<Spent>('spent')))
  return {
    cpuUs: each.reduce((sum, { cpuUs }) => sum + cpuUs, 0),
    statements: each.reduce((sum, { statements }) => sum + statements, 0),
  }
}

function table(rounds: ReadonlyMap<number, readonly Round[]>, count: number): Table {
  const alone = rounds.get(1) ?? []
  const ratio = (own: readonly Round[], figure: keyof Round) =>
    formatSpread(spreadOf(own.map((round, index) => round[figure] / (alone[index]?.[figure] ?? Number.NaN))))
  const values = (own: readonly Round[], figure: keyof Round) =>
    formatSpread(spreadOf(own.map((round) => round[figure])))
  return {
    title: `${count} events of 1 KiB a round, shared out among the processes; no producer is held back`,
    columns: ['processes', 'rate of one', 'CPU of one', 'a second', 'CPU s per 1,000', 'statements each'],
    rows: [...rounds].map(([size, own]) => [
      `${size}`,
      ratio(own, 'rate'),
      ratio(own, 'cpuSecondsPerThousand'),
      values(own, 'rate'),
      values(own, 'cpuSecondsPerThousand'),
      values(own, 'statements'),
    ]),
  }
}

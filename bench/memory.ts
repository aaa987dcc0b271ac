import { postgresStorage } from 'posthorn/postgres'
import { seed } from './growth/seed.ts'
import { type Benchmark, type Figure, type Plan, scaled } from './harness/benchmark.ts'
import { Child } from './harness/child.ts'
import { openSchema } from './harness/postgres-schema.ts'
import { Receiver } from './harness/receiver.ts'
import { spreadOf } from './harness/stats.ts'
import { formatSpread, type Table } from './harness/table.ts'

const storages = ['sqlite', 'postgres']

// V8 doubles its young generation at some time (by 50 to 100 MiB here), and keeps it. Whether more is kept than that can only be seen where
// it has one size.
const youngGeneration = ['--min-semi-space-size=16', '--max-semi-space-size=16']

/** What one process takes, in the order measured. */
interface Measured {
  readonly parkedOnPostgres: readonly number[]
  readonly emptyOnPostgres: readonly number[]
  readonly bytesOfEvent: readonly number[]
  readonly bytesOfDelivery: readonly number[]
  /** Levels by storage: after the first deliveries, and after ten times as many. */
  readonly levels: ReadonlyMap<string, readonly { readonly early: number; readonly late: number }[]>
}

/** Memory: beside a large backlog, of a parked delivery, and after many deliveries. */
export const memory: Benchmark = {
  name: 'memory',
  title: 'Memory: beside a million parked deliveries, of a parked one, and after 200,000 deliveries',
  async run(plan) {
    const receiver = await Receiver.start()
    try {
      const measured = await measure(plan, `${receiver.url}/hook`)
      return { tables: [table(plan, measured)], figures: figures(measured) }
    } finally {
      await receiver.stop()
    }
  },
}

// A process is measured once, then it is another one: rounds are new processes.
async function measure(plan: Plan, url: string): Promise<Measured> {
  const { pool, schema, remove } = await openSchema()
  try {
    await postgresStorage(pool, { schema }).migrate()
    await seed(pool, schema, { finished: 0, parked: Math.round(1_000_000 * plan.scale) })
    const parkedOnPostgres: number[] = []
    const emptyOnPostgres: number[] = []
    const bytesOfEvent: number[] = []
    const bytesOfDelivery: number[] = []
    for (let round = 0; round < plan.rounds; round++) {
      parkedOnPostgres.push(await watch(plan, `postgres ${schema}`, url))
      if (plan.isSmoke) break
      emptyOnPostgres.push(await watch(plan, 'postgres', url))
      bytesOfEvent.push(await park(plan, 1, url))
      bytesOfDelivery.push(await park(plan, 1000, url))
    }
    const kinds = plan.isSmoke ? storages.slice(0, 1) : storages
    const levels = new Map(kinds.map((storage) => [storage, [] as { early: number; late: number }[]]))
    for (let round = 0; round < (plan.isSmoke ? 1 : plan.rounds); round++) {
      for (const storage of round % 2 === 0 ? kinds : kinds.toReversed())
        levels.get(storage)?.push(await level(plan, storage, url))
    }
    return { parkedOnPostgres, emptyOnPostgres, bytesOfEvent, bytesOfDelivery, levels }
  } finally {
    await remove()
  }
}

async function watch(plan: Plan, storage: string, url: string): Promise<number> {
  const deliveries = scaled(plan, 2_000, 20)
  return await inProcess(plan, storage, url, (child) =>
    child.call<number>('watch', { forMs: plan.isSmoke ? 50 : 2_000, deliveries }),
  )
}

async function park(plan: Plan, webhooks: number, url: string): Promise<number> {
  const deliveries = scaled(plan, 100_000, webhooks)
  return await inProcess(plan, 'memory', url, (child) => child.call<number>('park', { webhooks, deliveries }))
}

async function level(plan: Plan, storage: string, url: string): Promise<{ early: number; late: number }> {
  const first = scaled(plan, 20_000, 20)
  const measureLevels = async (child: Child) => {
    const early = await child.call<number>('deliver', first)
    const late = await child.call<number>('deliver', 9 * first, 1_200_000)
    return { early, late }
  }
  return await inProcess(plan, storage, url, measureLevels, youngGeneration)
}

async function inProcess<Result>(
  plan: Plan,
  storage: string,
  url: string,
  work: (child: Child) => Promise<Result>,
  flags: readonly string[] = [],
): Promise<Result> {
  const module = new URL('memory/memory-process.ts', import.meta.url)
  const child = new Child(module, ['--expose-gc', ...flags, ...plan.nodeFlags])
  try {
    await child.call('create', { storage, url })
    return await work(child)
  } finally {
    await child.stop()
  }
}

function table(plan: Plan, measured: Measured): Table {
  const million = Math.round(1_000_000 * plan.scale).toLocaleString('en-US')
  const first = scaled(plan, 20_000, 20)
  return {
    title: 'Memory of the sending process',
    columns: ['', 'MiB or bytes'],
    rows: [
      [`RSS at most, ${million} parked on Postgres, MiB`, formatSpread(spreadOf(measured.parkedOnPostgres))],
      ['RSS at most, nothing parked, MiB', formatSpread(spreadOf(measured.emptyOnPostgres))],
      [
        'memory storage: an event of 1 KiB with one parked delivery, bytes',
        formatSpread(spreadOf(measured.bytesOfEvent)),
      ],
      [
        'memory storage: a parked delivery of an event to 1,000 webhooks, bytes',
        formatSpread(spreadOf(measured.bytesOfDelivery)),
      ],
      ...[...measured.levels].flatMap(([storage, levels]) => [
        [`RSS on ${storage} after ${first} deliveries, MiB`, formatSpread(spreadOf(levels.map(({ early }) => early)))],
        [
          `RSS on ${storage} after ${10 * first} deliveries, MiB`,
          formatSpread(spreadOf(levels.map(({ late }) => late))),
        ],
      ]),
    ],
  }
}

function figures({ parkedOnPostgres, levels }: Measured): Figure[] {
  return [
    {
      name: 'RSS with one million parked deliveries on Postgres',
      measured: spreadOf(parkedOnPostgres),
      unit: 'MiB',
      target: 256,
      direction: '<=',
    },
    ...[...levels].map(([storage, own]): Figure => ({
      name: `RSS on ${storage} after 200,000 deliveries, of that after 20,000`,
      measured: spreadOf(own.map(({ early, late }) => late / early)),
      unit: 'x',
      target: 1.1,
      direction: '<=',
    })),
  ]
}

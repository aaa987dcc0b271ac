import type { Benchmark, Figure, Plan } from './harness/benchmark.ts'
import { Child } from './harness/child.ts'
import { type Spread, spreadOf } from './harness/stats.ts'
import { formatNumber, formatSpread, type Table } from './harness/table.ts'
import type { Task } from './signing/library-process.ts'
import { libraryNames } from './signing/library-names.ts'

const fullSizes = [256, 4096, 65_536]
const smokeSizes = [256]
const operations = ['sign', 'verify', 'parse'] as const
const titles = { sign: 'Sign', verify: 'Verify', parse: 'Verify and parse' }

/** Rates by operation, size and library, round by round. */
type Rates = Map<string, (number | null)[]>

/** Signing and verifying against the libraries of others, and against the least that there is to do. */
export const signatures: Benchmark = {
  name: 'signatures',
  title: 'Signing and verifying: 256 B, 4 KiB and 64 KiB',
  async run(plan) {
    const rates = await measure(plan)
    const own = sizesOf(plan)
    return {
      tables: operations.map((operation) => table(operation, own, rates)),
      figures: figures(own, rates),
    }
  },
}

async function measure(plan: Plan): Promise<Rates> {
  const forMs = plan.isSmoke ? 1 : Math.max(20, 200 * plan.scale)
  const children = new Map<string, Child>()
  const rates: Rates = new Map()
  const turn = async (name: string, child: Child, task: Task, isKept: boolean) => {
    const rate = await child.call<number | null>('measure', task)
    if (isKept) rates.get(key(task.operation, task.size, name))?.push(rate)
  }
  try {
    for (const name of libraryNames) {
      children.set(name, new Child(new URL('signing/library-process.ts', import.meta.url), plan.nodeFlags))
    }
    await Promise.all([...children].map(([name, child]) => child.call('create', name)))
    for (const operation of operations) {
      for (const size of sizesOf(plan)) {
        for (const name of libraryNames) rates.set(key(operation, size, name), [])
        // Round -1 has the code compiled.
        for (let round = -1; round < plan.rounds; round++) {
          const order = round % 2 === 0 ? [...children] : [...children].toReversed()
          for (const [name, child] of order) await turn(name, child, { operation, size, forMs }, round >= 0)
        }
      }
    }
  } finally {
    await Promise.all([...children.values()].map((child) => child.stop()))
  }
  return rates
}

function sizesOf(plan: Plan): readonly number[] {
  return plan.isSmoke ? smokeSizes : fullSizes
}

function table(operation: Task['operation'], sizes: readonly number[], rates: Rates): Table {
  const cell = (size: number, name: string) => {
    const own = (rates.get(key(operation, size, name)) ?? []).filter((rate) => rate !== null)
    if (own.length === 0) return '–'
    return `${formatSpread(ratio(rates, operation, size, 'posthorn', name))} x, ${formatNumber(spreadOf(own).median)}`
  }
  return {
    title: `${titles[operation]}: posthorn over each, and how often each does it in a second of CPU time`,
    columns: ['', ...sizes.map((size) => `${size} B`)],
    rows: libraryNames.map((name) => [name, ...sizes.map((size) => cell(size, name))]),
  }
}

function figures(sizes: readonly number[], rates: Rates): Figure[] {
  const bounds = [
    { other: 'standardwebhooks', target: 3 },
    { other: 'svix', target: 3 },
    { other: 'bare createHmac', target: 0.8 },
  ]
  return operations.flatMap((operation) =>
    sizes.flatMap((size) =>
      bounds.map(({ other, target }): Figure => ({
        name: `${titles[operation].toLowerCase()} ${size} B over ${other}`,
        measured: ratio(rates, operation, size, 'posthorn', other),
        unit: 'x',
        target,
        direction: '>=',
      })),
    ),
  )
}

function ratio(rates: Rates, operation: string, size: number, name: string, other: string): Spread {
  const others = rates.get(key(operation, size, other)) ?? []
  const own = rates.get(key(operation, size, name)) ?? []
  return spreadOf(own.map((rate, round) => (rate ?? Number.NaN) / (others[round] ?? Number.NaN)))
}

function key(operation: string, size: number, name: string): string {
  return `${operation} ${size} ${name}`
}

// npm run bench: compares with peers, side by side, and prints what was reached. --list names the benchmarks.
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { benchmarks } from './benchmarks.ts'
import { type Benchmark, type Figure, isReached, type Plan, type Report } from './harness/benchmark.ts'
import { stopChildren } from './harness/child.ts'
import { removeSchemas } from './harness/postgres-schema.ts'
import { formatNumber, formatSpread, formatTable } from './harness/table.ts'

const { values } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    /** Names of benchmarks, separated by commas. */
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    /** What all counts are multiplied with. */
    scale: { type: 'string', default: '1' },
    /** Only shows that everything still runs: one round, small counts, no figure is judged. */
    smoke: { type: 'boolean', default: false },
    /** Writes a CPU profile of every process that is measured into this folder. */
    profile: { type: 'string' },
  },
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(
    signal,
    () =>
      void stopChildren()
        .then(removeSchemas)
        .finally(() => process.exit(1)),
  )
}

if (values.list) for (const { name, title } of benchmarks) console.log(`${name.padEnd(12)} ${title}`)
else await runAll()

async function runAll(): Promise<void> {
  const plan = toPlan()
  const chosen = choose(values.only)
  console.log(`${machine()}; ${plan.rounds} rounds, scale ${plan.scale}\n`)
  for (const benchmark of chosen) await runOne(benchmark, plan)
}

async function runOne(benchmark: Benchmark, plan: Plan): Promise<void> {
  const started = performance.now()
  console.log(`## ${benchmark.name}: ${benchmark.title}\n`)
  const report = await benchmark.run(plan)
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  for (const table of report.tables) console.log(formatTable(table))
  for (const note of report.notes ?? []) console.log(`${note}\n`)
  for (const figure of report.figures) console.log(verdict(figure, plan))
  console.log(`\n(${benchmark.name} took ${seconds} s)\n`)
  if (!plan.isSmoke) await save(benchmark, plan, report)
}

function verdict(figure: Figure, plan: Plan): string {
  const { name, measured, unit, target, aim, direction } = figure
  const bound = `${direction} ${formatNumber(target)}${aim === undefined ? '' : `, aim ${formatNumber(aim)}`} ${unit}`
  const mark = plan.isSmoke ? 'not judged ' : isReached(figure) ? 'reached    ' : 'NOT REACHED'
  return `${mark} ${name}: ${formatSpread(measured)} ${unit} (to reach: ${bound})`
}

async function save(benchmark: Benchmark, plan: Plan, report: Report): Promise<void> {
  const folder = new URL('results/', import.meta.url)
  await mkdir(folder, { recursive: true })
  const figures = report.figures.map((figure) => ({ ...figure, isReached: isReached(figure) }))
  const content = {
    benchmark: benchmark.name,
    at: new Date().toISOString(),
    machine: machine(),
    plan,
    ...report,
    figures,
  }
  await writeFile(fileURLToPath(new URL(`${benchmark.name}.json`, folder)), `${JSON.stringify(content, null, 2)}\n`)
}

function toPlan(): Plan {
  const rounds = positive('rounds', values.rounds)
  const scale = positive('scale', values.scale)
  const nodeFlags = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`]
  return values.smoke
    ? { rounds: 1, scale: 0.001, isSmoke: true, nodeFlags }
    : { rounds: Math.ceil(rounds), scale, isSmoke: false, nodeFlags }
}

function choose(only: string | undefined): readonly Benchmark[] {
  if (only === undefined) return benchmarks
  return only.split(',').map((name) => {
    const benchmark = benchmarks.find((each) => each.name === name)
    if (benchmark === undefined) throw new Error(`There is no benchmark ${name}; --list names them.`)
    return benchmark
  })
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (value > 0) return value
  throw new Error(`--${name} must be a number above 0, not ${text}.`)
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU'
  return `${cpus().length} cores (${model}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
}

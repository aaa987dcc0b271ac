// npm run chaos: breaks things on purpose and counts. --short does the same in less time, --only NAME (again for more) does one of
// them, --seed N repeats a run. Each prints its figures and its seed.
import { parseArgs } from 'node:util'
import { environmentScenarios } from './environment-scenarios.ts'
import { processScenarios } from './process-scenarios.ts'
import type { Scenario, Verdict } from './scenario.ts'

const scenarios: readonly Scenario[] = [...processScenarios, ...environmentScenarios]

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    seed: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
  },
})
const size = values.short ? 'short' : 'full'
const seed = seedOf(values.seed)
const chosen = choose(values.only)

const started = performance.now()
const [busy, waiting, alone] = (['busy', 'waiting', 'alone'] as const).map((place) =>
  chosen.filter((scenario) => scenario.place === place),
)
// Two cores: while one scenario waits for a disk or a child, the other goes on.
await Promise.all([runAll(busy), runAll(busy), runAll(waiting)])
await runAll(alone)
console.log(`${chosen.length} scenarios in ${seconds(started)} s, seed ${seed}`)

async function runAll(open: Scenario[] = []): Promise<void> {
  for (let next = open.shift(); next !== undefined; next = open.shift()) await report(next)
}

async function report(scenario: Scenario): Promise<void> {
  const begun = performance.now()
  const { isGood, ...figures } = await verdictOf(scenario)
  if (!isGood) process.exitCode = 1
  const { name, title } = scenario
  console.log(`${isGood ? 'ok    ' : 'FAILED'} ${title} (${name}, ${seconds(begun)} s)`, { ...figures, seed })
}

// One that breaks by itself is reported like one that found something, and the others go on.
async function verdictOf(scenario: Scenario): Promise<Verdict> {
  try {
    return await scenario.run(size, seed)
  } catch (error) {
    return { isGood: false, error }
  }
}

function choose(names: readonly string[]): Scenario[] {
  const known = scenarios.map(({ name }) => name)
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new TypeError(`There is no scenario ${unknown.join(', ')}; known are ${known.join(', ')}.`)
  return scenarios.filter(({ name }) => names.length === 0 || names.includes(name))
}

function seedOf(text: string | undefined): number {
  const value = Number(text ?? Math.floor(Math.random() * 1e9))
  if (Number.isInteger(value) && value >= 0) return value
  throw new RangeError(`--seed must be a whole number from 0, not ${text}.`)
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1)
}

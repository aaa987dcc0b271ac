import type { Plan } from './benchmark.ts'
import { Child } from './child.ts'
import type { ContenderOptions, RoundFigures } from './contender.ts'
import type { Receiver } from './receiver.ts'

/** Who takes part. */
export interface Entry extends Omit<ContenderOptions, 'url'> {
  readonly name: string
  /** The module that calls `serveContender`. */
  readonly module: URL
  /** Events a round, where it is too slow for as many as the others; its rate is compared all the same. */
  readonly count?: number
}

/** What each contender did in each round, in the order of the rounds. */
export type Results = ReadonlyMap<string, readonly RoundFigures[]>

/**
 * How long each contender is at work before the first round that counts: a sender lives for days, and until V8 has compiled what there is it does
 * half as much. The same time for all, and one round at least; tables are known to the planner by then, and connections stand.
 */
const warmUpMs = 6_000

/**
 * Lets the contenders have their turns, one at a time, in an order that is reversed each round. Whatever a contender says, the receiver
 * has counted.
 */
export async function interleave(
  plan: Plan,
  receiver: Receiver,
  entries: readonly Entry[],
  count: number,
): Promise<Results> {
  const children = new Map<Entry, Child>()
  const results = new Map<string, RoundFigures[]>(entries.map(({ name }) => [name, []]))
  try {
    for (const entry of entries) children.set(entry, new Child(entry.module, plan.nodeFlags))
    const create = async ([{ variant }, child]: [Entry, Child]) => {
      await child.call('create', { url: `${receiver.url}/hook`, variant } satisfies ContenderOptions)
    }
    await Promise.all([...children].map(create))
    for (const [entry, child] of children) {
      const warmAt = performance.now() + (plan.isSmoke ? 0 : warmUpMs)
      do await turn(child, entry.name, receiver, entry.count ?? count)
      while (performance.now() < warmAt)
    }
    for (let round = 0; round < plan.rounds; round++) {
      const order = round % 2 === 0 ? entries : entries.toReversed()
      for (const entry of order) {
        const child = children.get(entry)
        if (child === undefined) continue
        results.get(entry.name)?.push(await turn(child, entry.name, receiver, entry.count ?? count))
      }
    }
  } finally {
    await Promise.all([...children.values()].map((child) => child.stop()))
  }
  return results
}

/** The figure of one contender over another's, round by round. */
export function ratios(
  results: Results,
  name: string,
  base: string,
  figure: keyof RoundFigures = 'rate',
): readonly number[] {
  const bases = results.get(base) ?? []
  return (results.get(name) ?? []).map((round, index) => round[figure] / (bases[index]?.[figure] ?? Number.NaN))
}

/** One figure of one contender, round by round. */
export function values(results: Results, name: string, figure: keyof RoundFigures): readonly number[] {
  return (results.get(name) ?? []).map((round) => round[figure])
}

async function turn(child: Child, name: string, receiver: Receiver, count: number): Promise<RoundFigures> {
  await receiver.takeCount()
  const figures = await child.call<RoundFigures>('round', count)
  const received = await receiver.takeCount()
  if (received !== count) throw new Error(`${name} was to deliver ${count} events; the receiver got ${received}.`)
  return figures
}

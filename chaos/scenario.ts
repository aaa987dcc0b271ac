/** What a scenario found. Its other members are figures, which are printed. */
export interface Verdict {
  /** Whether what must hold held. */
  readonly isGood: boolean
  readonly [figure: string]: unknown
}

/** What one run of a scenario is given beside its options. */
export interface Seeded {
  /** Repeats a run, as far as timing allows. */
  readonly seed: number
}

/** What a scenario may run beside: `busy` ones run two at a time. */
export type Place = 'busy' | 'waiting' | 'alone'

/** One thing that is broken on purpose, in two sizes. */
export interface ScenarioParts<Options> {
  /** For `--only`: kebab-case. */
  readonly name: string
  /** What must hold, for the report. */
  readonly title: string
  /** `alone`: it measures time, and so must have the machine for itself. `waiting`: it mostly waits, and runs beside any two others. */
  readonly place?: Place
  /** The whole proof. */
  readonly full: Options
  /** The same in a few seconds, for every change (`--short`). */
  readonly short: Options
  /** Breaks things and counts. */
  readonly run: (options: Options & Seeded) => Promise<Verdict>
}

/** A scenario with its two sizes bound to it. */
export interface Scenario {
  readonly name: string
  readonly title: string
  readonly place: Place
  readonly run: (size: 'full' | 'short', seed: number) => Promise<Verdict>
}

/** Makes a row of the table that `run.ts` goes through. */
export function scenario<Options extends object>(parts: ScenarioParts<Options>): Scenario {
  const { name, title, place = 'busy', run } = parts
  return { name, title, place, run: async (size, seed) => await run({ ...parts[size], seed }) }
}

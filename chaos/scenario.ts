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

/** One thing that is broken on purpose, in two sizes. */
export interface ScenarioParts<Options> {
  /** For `--only`: kebab-case. */
  readonly name: string
  /** What must hold, for the report. */
  readonly title: string
  /** Whether it measures time, and so must have the machine for itself. The others run two at a time. */
  readonly isAlone?: boolean
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
  readonly isAlone: boolean
  readonly run: (size: 'full' | 'short', seed: number) => Promise<Verdict>
}

/** Makes a row of the table that `run.ts` goes through. */
export function scenario<Options extends object>(parts: ScenarioParts<Options>): Scenario {
  const { name, title, isAlone = false, run } = parts
  return { name, title, isAlone, run: async (size, seed) => await run({ ...parts[size], seed }) }
}

import type { Spread } from './stats.ts'
import type { Table } from './table.ts'

/** How a run is made. */
export interface Plan {
  /** How often each contender has its turn. */
  readonly rounds: number
  /** What all counts are multiplied with; 1 for the figures that are quoted. */
  readonly scale: number
  /** Whether it is only to be shown that the benchmark still runs. */
  readonly isSmoke: boolean
  /** Adds Node flags to the processes that are measured, for instance `--cpu-prof`. */
  readonly nodeFlags: readonly string[]
}

/** A measured figure beside the one to reach. */
export interface Figure {
  readonly name: string
  readonly measured: Spread
  /** `x` for ratios, `ms`, `MiB` and the like. */
  readonly unit: string
  /** The bound to reach. */
  readonly target: number
  /** What would be better still. */
  readonly aim?: number
  /** Whether the target is the least (`>=`) or the most (`<=`) that is allowed. */
  readonly direction: '>=' | '<='
}

/** What a benchmark measured. */
export interface Report {
  readonly tables: readonly Table[]
  readonly figures: readonly Figure[]
  /** What explains the figures: query plans, what was left out. */
  readonly notes?: readonly string[]
}

/** One comparison. */
export interface Benchmark {
  /** What `--only` calls it. */
  readonly name: string
  readonly title: string
  run(plan: Plan): Promise<Report>
}

/** Whether a figure's median is where it should be. */
export function isReached({ measured, target, direction }: Figure): boolean {
  return direction === '>=' ? measured.median >= target : measured.median <= target
}

/** A count of the plan: `full` at scale 1, never below `least`. */
export function scaled(plan: Plan, full: number, least: number): number {
  return Math.max(least, Math.round(full * plan.scale))
}

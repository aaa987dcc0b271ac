import type { Clock } from '../../domain/clock.ts'
import type { Storage } from '../storage.ts'

/** The two functions of a test runner that the suite needs: those of vitest, `node:test`, mocha and jest all fit. */
export interface ConformanceRunner {
  /** Groups cases under a name. */
  readonly describe: (name: string, body: () => void) => unknown
  /** Declares one case; it fails when the promise rejects. */
  readonly it: (name: string, body: () => Promise<void>) => unknown
}

/** The storage adapter to examine. */
export interface ConformanceAdapter {
  /**
   * Creates a storage that holds nothing and shares nothing with an earlier one; called once per case. The suite opens and closes it.
   */
  readonly createStorage: (options: {
    /** The suite's clock, which it moves by hand. A storage that reads the time from a server leaves it aside and gives `advance`. */
    readonly clock: Clock
  }) => Storage | Promise<Storage>
  /**
   * Moves the time of the storage created last by `ms` milliseconds, or waits that long. Needed only where the storage does not
   * go by the suite's clock.
   */
  readonly advance?: (ms: number) => Promise<void>
}

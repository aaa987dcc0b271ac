import type { Reporter, TestCase } from 'vitest/node'

/** Names at the end every test that passed only at a later go, so that a retry never hides one. */
export class FlakyReporter implements Reporter {
  readonly #flaky: string[] = []

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky) this.#flaky.push(`${test.module.relativeModuleId} > ${test.fullName}`)
  }

  onTestRunEnd(): void {
    for (const name of this.#flaky) console.log(`FLAKY ${name}`)
  }
}

import { type ConformanceAdapter, storageConformance } from 'posthorn/testing'

/** One case of the suite by its full name. */
export interface CollectedCase {
  readonly name: string
  readonly run: () => Promise<void>
}

/** A test runner that collects: shows that the suite needs nothing but `describe` and `it`. */
export function collectCases(adapter: ConformanceAdapter): CollectedCase[] {
  const cases: CollectedCase[] = []
  let topic = ''
  const describe = (name: string, body: () => void) => {
    topic = name
    body()
  }
  const it = (name: string, run: () => Promise<void>) => cases.push({ name: `${topic}: ${name}`, run })
  storageConformance({ describe, it }, adapter)
  return cases
}

/** Runs the whole suite and returns the names of the cases that failed. */
export async function failedCases(adapter: ConformanceAdapter): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of collectCases(adapter)) {
    await run().catch(() => failed.push(name))
  }
  return failed
}

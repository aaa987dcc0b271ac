import assert from 'node:assert/strict'

/** Puts the name of a case, which is the rule, before what was met: few assertions say by themselves what they are about. */
export function caseFailed(name: string, error: unknown): Error {
  const met = error instanceof Error ? error.message : String(error)
  const message = `${name} (the rule stands in the comments of the Storage interface)\n${met}`
  const failed = named(message, error)
  // That of the case, by which test runners find the line.
  if (error instanceof Error && error.stack !== undefined) failed.stack = error.stack.replace(met, () => message)
  return failed
}

function named(message: string, error: unknown): Error {
  if (!(error instanceof assert.AssertionError)) return new Error(message, { cause: error })
  // With these test runners show what differs.
  const { actual, expected, operator } = error
  const failed = new assert.AssertionError({ message, actual, expected, operator })
  return Object.defineProperty(failed, 'cause', { value: error, configurable: true, writable: true })
}

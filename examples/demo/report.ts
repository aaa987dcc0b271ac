import type { Attempt, Delivery } from 'posthorn'

/** One line of the demo's table. */
export interface ReportedDelivery extends Delivery {
  /** The name of the webhook that it went to. */
  readonly webhook: string
  readonly attempts: readonly Attempt[]
}

/** Prints deliveries with their attempts as a table. */
export function printDeliveries(deliveries: readonly ReportedDelivery[]): void {
  const rows = deliveries.map(({ webhook, type, state, attempts }) => [
    webhook,
    type,
    state,
    String(attempts.length),
    attempts.map(({ status, error, durationMs }) => `${status ?? error} (${durationMs} ms)`).join(', '),
  ])
  const table = [['webhook', 'event type', 'state', 'attempts', 'answers'], ...rows]
  const widths = table.reduce<number[]>((most, row) => row.map((cell, at) => Math.max(cell.length, most[at] ?? 0)), [])
  for (const row of table) console.log(`  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd())
}

/** Prints a line for each expectation and says whether all were met. */
export function printExpectations(expectations: ReadonlyMap<string, boolean>): boolean {
  for (const [text, isMet] of expectations) console.log(`  ${isMet ? 'ok    ' : 'FAILED'}  ${text}`)
  return [...expectations.values()].every(Boolean)
}

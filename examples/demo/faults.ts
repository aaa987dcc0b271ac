/**
 * What can be broken on purpose, to see the demo fail: `DEMO_FAULT=secret npm run demo`.
 *
 * - `secret`: the receiver holds another secret than the sender, so no signature fits.
 * - `flaky`: the flaky path of the receiver succeeds at once.
 * - `failing`: the failing path of the receiver succeeds.
 * - `restart`: the killed sender is not started again.
 * - `hang`: the receiver never answers, so that the demo runs into its time limit (DEMO_LIMIT_MS, 60,000 unless given).
 */
export const demoFaults = ['secret', 'flaky', 'failing', 'restart', 'hang'] as const

export type DemoFault = (typeof demoFaults)[number]

/** Reads the fault to have from the environment. */
export function demoFault(): DemoFault | null {
  const { DEMO_FAULT: name } = process.env
  if (name === undefined || name === '') return null
  const fault = demoFaults.find((known) => known === name)
  if (fault === undefined) throw new TypeError(`DEMO_FAULT must be one of ${demoFaults.join(', ')}, not ${name}.`)
  return fault
}

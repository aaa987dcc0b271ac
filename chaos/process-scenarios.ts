import { scenario, type Scenario } from './scenario.ts'
import { seededFaults } from './seeded-faults.ts'
import { sqliteKill } from './sqlite-kill.ts'

/** Processes that are killed, stopped and frozen, and engines with faults. */
export const processScenarios: readonly Scenario[] = [
  scenario({
    name: 'sqlite-kill',
    title: 'SQLite, kill -9: nothing is lost',
    full: { signal: 'SIGKILL', events: 20_000, kills: 200 } as const,
    short: { signal: 'SIGKILL', events: 600, kills: 8 } as const,
    run: sqliteKill,
  }),
  scenario({
    name: 'sqlite-stop',
    title: 'SQLite, SIGTERM: nothing is lost, nothing is sent twice',
    full: { signal: 'SIGTERM', events: 8_000, kills: 100 } as const,
    short: { signal: 'SIGTERM', events: 400, kills: 5 } as const,
    run: sqliteKill,
  }),
  ...Object.keys(seededFaults).map((fault) =>
    scenario({
      name: `fault-${fault.replaceAll(' ', '-')}`,
      title: `The harness notices: ${fault}`,
      full: { signal: 'SIGTERM', events: 300, kills: 3, fault } as const,
      short: { signal: 'SIGTERM', events: 300, kills: 3, fault } as const,
      run: async (options) => {
        const { isGood, ...figures } = await sqliteKill(options)
        return { isGood: !isGood, ...figures }
      },
    }),
  ),
]

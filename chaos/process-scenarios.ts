import { springTrap, traps } from './faults.ts'
import { freezeSenders, type FreezeOptions } from './freeze.ts'
import { onOwnPostgres, onPostgres, onSqlite } from './grounds.ts'
import { killSenders, type KillOptions } from './kill.ts'
import { scenario, type Scenario } from './scenario.ts'

type Size<Options> = Omit<Options, 'seed' | 'fault'>

const freeze = async (options: FreezeOptions) =>
  await onPostgres(async (ground) => await freezeSenders(ground, options))

/** Processes that are killed, stopped and frozen, and engines with faults. */
export const processScenarios: readonly Scenario[] = [
  scenario<Size<KillOptions>>({
    name: 'sqlite-kill',
    title: 'SQLite, kill -9: nothing is lost',
    full: { signal: 'SIGKILL', events: 20_000, kills: 200 },
    short: { signal: 'SIGKILL', events: 800, kills: 10 },
    run: async (options) => await onSqlite(async (ground) => await killSenders(ground, options)),
  }),
  scenario<Size<KillOptions>>({
    name: 'postgres-kill',
    title: 'Postgres, kill -9 of three workers and restarts of the server: nothing is lost',
    full: { signal: 'SIGKILL', events: 9_000, kills: 60, restarts: ['immediate', 'fast', 'immediate'] },
    short: { signal: 'SIGKILL', events: 900, kills: 9, restarts: ['immediate'] },
    run: async (options) => await onOwnPostgres(async (ground) => await killSenders(ground, options)),
  }),
  scenario<Size<KillOptions>>({
    name: 'sqlite-stop',
    title: 'SQLite, SIGTERM: nothing is lost, nothing is sent twice',
    full: { signal: 'SIGTERM', events: 8_000, kills: 100 },
    short: { signal: 'SIGTERM', events: 400, kills: 5 },
    run: async (options) => await onSqlite(async (ground) => await killSenders(ground, options)),
  }),
  scenario<Size<KillOptions>>({
    name: 'postgres-stop',
    title: 'Postgres, SIGTERM of three workers: nothing is lost, nothing is sent twice',
    full: { signal: 'SIGTERM', events: 8_000, kills: 100 },
    short: { signal: 'SIGTERM', events: 600, kills: 6 },
    run: async (options) => await onPostgres(async (ground) => await killSenders(ground, options)),
  }),
  scenario<Size<FreezeOptions>>({
    name: 'postgres-freeze',
    title: 'Postgres, SIGSTOP beyond the lease: no second change of state',
    place: 'waiting',
    full: { rounds: 50 },
    short: { rounds: 6 },
    run: freeze,
  }),
  ...Object.keys(traps).map((fault) =>
    scenario({
      name: `fault-${fault.toLowerCase().replaceAll(' ', '-')}`,
      title: `The harness notices: ${fault}`,
      full: { fault },
      short: { fault },
      run: springTrap,
    }),
  ),
]

import { killSenders } from './kill.ts'
import { freezeSenders } from './freeze.ts'
import { onPostgres, onSqlite } from './grounds.ts'
import type { CampaignResult } from './campaign.ts'
import type { Seeded, Verdict } from './scenario.ts'

/** How a fault is to be noticed. */
interface Trap {
  /** The scenario, in a small size, that is run with the fault. */
  readonly run: (fault: string, seed: number) => Promise<CampaignResult>
  /** The checks of which at least one has to fail. */
  readonly checks: readonly string[]
}

const killOnPostgres = async (fault: string, seed: number) =>
  await onPostgres(
    async (ground) => await killSenders(ground, { signal: 'SIGKILL', events: 400, kills: 6, fault, seed }),
  )
const stopOnSqlite = async (fault: string, seed: number) =>
  await onSqlite(async (ground) => await killSenders(ground, { signal: 'SIGTERM', events: 300, kills: 3, fault, seed }))
// Alone, a worker gets back what it had in hand itself, while its first request for it is still under way.
const freezeOneOnPostgres = async (fault: string, seed: number) =>
  await onPostgres(async (ground) => await freezeSenders({ ...ground, workers: 1 }, { rounds: 5, fault, seed }))
const freezeOnPostgres = async (fault: string, seed: number) =>
  await onPostgres(async (ground) => await freezeSenders(ground, { rounds: 6, fault, seed }))

/** The faults, each with the scenario that must notice it and by what. */
export const traps: Readonly<Record<string, Trap>> = {
  'done before POST': { run: killOnPostgres, checks: ['lost'] },
  'enqueue after commit': { run: killOnPostgres, checks: ['lost'] },
  'attempt log outside the transaction': { run: killOnPostgres, checks: ['miscounted', 'writtenApart'] },
  'no fence': { run: freezeOnPostgres, checks: ['changesAfterEnd', 'recordedByOthersHold'] },
  'lease by worker name': { run: freezeOneOnPostgres, checks: ['recordedByOthersHold'] },
  'given out without a lease': { run: stopOnSqlite, checks: ['extra'] },
  'an outcome that is not recorded': { run: stopOnSqlite, checks: ['extra', 'unfinished'] },
  'an event without its deliveries': { run: stopOnSqlite, checks: ['lost'] },
}

/** Runs the scenario with the fault: good where it fails as it must. */
export async function springTrap(options: Seeded & { readonly fault: string }): Promise<Verdict> {
  const { fault, seed } = options
  const trap = traps[fault]
  if (trap === undefined) throw new TypeError(`There is no fault ${fault}.`)
  const { isGood: _isGood, failed, ...figures } = await trap.run(fault, seed)
  return { isGood: trap.checks.some((check) => failed.includes(check)), noticedBy: failed.join(', '), ...figures }
}

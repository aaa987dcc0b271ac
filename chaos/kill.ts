import type { PrivateCluster } from './private-cluster.ts'
import { inFlight, runCampaign, type Campaign, type CampaignResult, type Scene } from './campaign.ts'
import type { Seeded } from './scenario.ts'

/** How hard it gets. */
export interface KillOptions extends Seeded {
  /** Events that are dispatched in all. */
  readonly events: number
  /** How often a sender is ended on the way. */
  readonly kills: number
  /** `SIGKILL`, or `SIGTERM`, which lets it stop. */
  readonly signal: 'SIGKILL' | 'SIGTERM'
  /** How the database is restarted meanwhile, evenly spread; not at all unless given. */
  readonly restarts?: readonly ('immediate' | 'fast')[]
  /** A fault that the senders' engine has. */
  readonly fault?: string
}

/** Where senders are killed. */
export interface KillGround extends Pick<Campaign, 'stage' | 'workers'> {
  /** The server that is restarted. */
  readonly cluster?: PrivateCluster
}

// A sender that was told to stop has all the time it needs; one that was killed is to be replaced soon.
const leaseMs = { SIGKILL: 1000, SIGTERM: 15_000 } as const
// While it opens the database, or soon after.
const earlyShare = 0.15
const earlyMs = 120
const longestLifeMs = 5000

/**
 * Ends senders at random moments under load, and puts others in their place. A killed one may have sent what it could not record: at
 * most what was in flight, each time; one that was told to stop has not. While a database restarts, all of them may have.
 */
export async function killSenders(ground: KillGround, options: KillOptions): Promise<CampaignResult> {
  const { stage, workers, cluster } = ground
  const { events, kills, signal, restarts = [], fault = '', seed } = options
  let ended = 0
  const campaign: Campaign = {
    stage,
    workers,
    events,
    seed,
    fault,
    leaseMs: leaseMs[signal],
    transactionEvery: 8,
    thinkMs: (random) => random * 15,
    patienceMs: fault === '' ? 20_000 : 5_000,
    disturb: async (scene) => {
      const seats = Array.from({ length: workers }, async (_, seat) => await occupy(scene, `worker-${seat}`))
      try {
        await Promise.all([...seats, restartAll(scene)])
      } finally {
        ended = kills
      }
    },
  }

  // One after the other, each ended in the middle of its work.
  const occupy = async ({ senders, ledger, random }: Scene, name: string) => {
    for (let kill = ended++; kill < kills; kill = ended++) {
      const share = ledger.open / (kills - kill)
      const numbers = ledger.take(share * 2.5)
      const sender = await senders.begin({ name, numbers })
      // By what it got done and not by the clock, so that a slow machine is as busy at the end of a life as a fast one.
      if (random() < earlyShare) await pause(random() * earlyMs)
      else await Promise.race([sender.acceptedAtLeast(1 + random() * share * 2), sender.ended, pause(longestLifeMs)])
      await pause(random() * 20)
      if (sender.isEnded) throw new Error('A sender ended by itself.')
      sender.signal(signal)
      const { code } = await sender.ended
      if (signal === 'SIGTERM' && code !== 0) throw new Error(`A sender that was told to stop ended with ${code}.`)
      ledger.giveBack(numbers)
    }
  }

  const restartAll = async ({ random }: Scene) => {
    for (const [index, mode] of restarts.entries()) {
      const due = ((index + 0.5 + random() * 0.5) / restarts.length) * kills * 0.9
      while (ended < due) await pause(5)
      await cluster?.stop(mode)
      await cluster?.start()
    }
  }

  const atOnce = kills + restarts.length * workers
  const result = await runCampaign(campaign, signal === 'SIGKILL' ? atOnce * inFlight : 0)
  return { ...result, kills, ...(restarts.length > 0 && { restarts: restarts.join(', ') }) }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

import { inFlight, runCampaign, type Campaign, type CampaignResult, type Scene } from './campaign.ts'
import type { Seeded } from './scenario.ts'

/** How hard it gets. */
export interface FreezeOptions extends Seeded {
  /** How often a sender is stopped for longer than its leases last. */
  readonly rounds: number
  /** A fault that the senders' engine has. */
  readonly fault?: string
}

// The shortest that there is.
const leaseMs = 1000

/**
 * Freezes senders (SIGSTOP) beyond their leases and lets them go on (SIGCONT), several side by side. What they had in flight is in other
 * hands by then; `refused` counts what they were to write and might not.
 */
export async function freezeSenders(
  ground: Pick<Campaign, 'stage' | 'workers'>,
  { rounds, fault = '', seed }: FreezeOptions,
): Promise<CampaignResult> {
  const { stage, workers } = ground
  let begun = 0
  const campaign: Campaign = {
    stage,
    workers,
    seed,
    fault,
    leaseMs,
    // More than they can dispatch.
    events: 100_000,
    isOpenEnded: true,
    paceMs: 200,
    // Most are answered at once; the others make up what is in flight when a sender is frozen.
    thinkMs: (random) => (random < 0.85 ? random * 20 : (random - 0.85) * 12_000),
    patienceMs: fault === '' ? 30_000 : 8_000,
    disturb: async (scene) => {
      const seats = Array.from({ length: workers }, async (_, seat) => await freezeAgain(scene, `worker-${seat}`))
      await Promise.all(seats)
    },
  }

  const freezeAgain = async ({ senders, ledger, random }: Scene, name: string) => {
    const numbers = ledger.take(100_000 / workers)
    const sender = await senders.begin({ name, numbers })
    await Promise.race([sender.firstAccepted, sender.ended])
    while (begun++ < rounds) {
      await pause(200 + random() * 400)
      if (sender.isEnded) throw new Error('A sender ended by itself.')
      sender.signal('SIGSTOP')
      await pause(leaseMs + 100 + random() * 600)
      sender.signal('SIGCONT')
    }
    // Long enough for what was frozen last to be told of.
    await pause(2000)
    sender.signal('SIGTERM')
    const { code } = await sender.ended
    if (code !== 0) throw new Error(`A sender that was told to stop ended with ${code}.`)
  }

  const result = await runCampaign(campaign, rounds * inFlight)
  const failed = [...result.failed, ...(Number(result['refused']) > 0 ? [] : ['refused'])]
  return { ...result, isGood: failed.length === 0, failed, rounds }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

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
    paceMs: 300,
    // One event in eight is slow, every time: those make up what is in flight when a sender is frozen, and what is answered only when it
    // has them in hand once more.
    thinkMs: (random, id) => random * (/[01]$/.test(id) ? 4000 : 20),
    patienceMs: fault === '' ? 20_000 : 8_000,
    disturb: async (scene) => {
      const seats = Array.from({ length: workers }, async (_, seat) => await freezeAgain(scene, `worker-${seat}`))
      try {
        await Promise.all(seats)
      } finally {
        begun = rounds
      }
    },
  }

  const freezeAgain = async ({ senders, ledger, random }: Scene, name: string) => {
    const numbers = ledger.take(100_000 / workers)
    const sender = await senders.begin({ name, numbers })
    await Promise.race([sender.acceptedAtLeast(1), sender.ended])
    while (begun++ < rounds) {
      await pause(200 + random() * 400)
      if (sender.isEnded) throw new Error('A sender ended by itself.')
      sender.signal('SIGSTOP')
      await pause(leaseMs + 100 + random() * 600)
      sender.signal('SIGCONT')
    }
    // What it has in flight it waits for.
    await pause(300)
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

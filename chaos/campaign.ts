import { audit } from './audit.ts'
import { Ledger } from './ledger.ts'
import { seededRandom } from './random.ts'
import { startReceiver } from './receiver.ts'
import { Senders } from './senders.ts'
import type { SenderSettings } from './sender-task.ts'
import type { Stage, StageOptions } from './stage.ts'
import type { Verdict } from './scenario.ts'

/** A run in which senders are disturbed. */
export interface Campaign extends Partial<Pick<SenderSettings, 'paceMs' | 'transactionEvery' | 'fault'>> {
  /** Makes the database, with webhooks in it. */
  readonly stage: (options: StageOptions) => Promise<Stage>
  /** Events that there are to dispatch. */
  readonly events: number
  /** Senders at once. */
  readonly workers: number
  readonly leaseMs: number
  /** How long the receiver thinks about a request for an event, in milliseconds, from a random number and the event's id. */
  readonly thinkMs: (random: number, id: string) => number
  readonly seed: number
  /** How long nothing new may be accepted or received at the end before it is given up; 20,000 ms unless given. */
  readonly patienceMs?: number
  /** Does what is to be survived, and leaves no sender of its own behind. */
  readonly disturb: (scene: Scene) => Promise<void>
  /** Whether what is not dispatched after that is left so. */
  readonly isOpenEnded?: boolean
}

/** What a disturbance works with. */
export interface Scene {
  readonly senders: Senders
  readonly ledger: Ledger
  readonly random: () => number
}

/** What a run came to: each name of `failed` is a check that did not hold. */
export interface CampaignResult extends Verdict {
  readonly failed: readonly string[]
}

/** Requests of one sender under way at once. */
export const inFlight = 16
const webhooks = 4
const failureRate = 0.03

/**
 * Runs senders on a database, disturbs them, has what is left delivered, and counts. Lost is always accepted minus received: accepted is
 * what a sender was told that it is, or what an app has committed; received is what a receiver has answered 2xx. `allowedExtra` is how
 * many requests may have been made beside the necessary ones.
 */
export async function runCampaign(campaign: Campaign, allowedExtra: number): Promise<CampaignResult> {
  const { events, workers, leaseMs, thinkMs, seed, disturb } = campaign
  const { paceMs = 0, transactionEvery = 0, fault = '' } = campaign
  const random = seededRandom(seed)
  const receiver = await startReceiver({
    failureRate,
    random: seededRandom(seed + 1),
    delayMs: (id) => thinkMs(random(), id),
  })
  let stage: Stage | undefined
  let senders: Senders | undefined
  try {
    stage = await campaign.stage({ url: receiver.url, webhooks, maxInFlight: inFlight * workers })
    const ledger = new Ledger(events)
    const settings = { location: stage.location, inFlight, leaseMs, paceMs, webhooks, transactionEvery, fault }
    senders = await Senders.create(settings, ledger)
    await disturb({ senders, ledger, random })
    const { lost: refused } = senders
    const received = () => [...receiver.tallies.values()].filter(({ succeeded }) => succeeded > 0).length
    const isFinished = await finish(campaign, { senders, ledger, progress: () => ledger.accepted.size + received() })
    await senders.killAll()
    const { failed, figures } = await judge(stage, ledger, receiver.tallies, { isFinished, allowedExtra })
    return { isGood: failed.length === 0, failed, ...figures, refused }
  } finally {
    await senders?.killAll()
    receiver.close()
    await stage?.close()
  }
}

// What is left is dispatched and delivered by as many senders as before.
async function finish(
  campaign: Campaign,
  end: Pick<Scene, 'senders' | 'ledger'> & { readonly progress: () => number },
): Promise<boolean> {
  const { workers, isOpenEnded = false, patienceMs = 20_000 } = campaign
  const { senders, ledger, progress } = end
  const share = isOpenEnded ? 0 : ledger.open / workers
  const last = await Promise.all(
    Array.from({ length: workers }, async (_, n) =>
      senders.begin({ name: `worker-${n}`, numbers: ledger.take(share), isLast: true, paceMs: 0 }),
    ),
  )
  let best = -1
  let bestAt = performance.now()
  while (last.some(({ isEnded }) => !isEnded)) {
    const now = progress()
    if (now > best) {
      best = now
      bestAt = performance.now()
    }
    if (performance.now() - bestAt > patienceMs) return false
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return (await Promise.all(last.map(async ({ ended }) => (await ended).code === 0))).every(Boolean)
}

async function judge(
  stage: Stage,
  ledger: Ledger,
  tallies: ReadonlyMap<string, { readonly requests: number; readonly succeeded: number }>,
  { isFinished, allowedExtra }: { readonly isFinished: boolean; readonly allowedExtra: number },
) {
  const { orders, events } = stage.tables
  const ordered = (await stage.query(`SELECT event_id FROM ${orders}`)).map((row) => String(row['event_id']))
  const written = new Set((await stage.query(`SELECT id FROM ${events}`)).map(({ id }) => String(id)))
  const accepted = new Set([...ledger.accepted.values(), ...ordered])
  const all = [...tallies.values()]
  const figures = {
    accepted: accepted.size,
    inTransactions: ordered.length,
    lost: [...accepted].filter((id) => (tallies.get(id)?.succeeded ?? 0) === 0).length,
    /** Sent, though nothing of the kind was ever committed. */
    phantoms: [...tallies.keys()].filter((id) => !written.has(id)).length,
    requests: all.reduce((sum, { requests }) => sum + requests, 0),
    extra: all.reduce((sum, { succeeded }) => sum + Math.max(0, succeeded - 1), 0),
    allowedExtra,
    isFinished,
    integrity: await stage.integrity(),
  }
  const found = await audit(stage)
  const failed = [
    ...(figures.lost > 0 ? ['lost'] : []),
    ...(figures.phantoms > 0 ? ['phantoms'] : []),
    ...(figures.extra > allowedExtra ? ['extra'] : []),
    ...(isFinished ? [] : ['isFinished']),
    ...(figures.integrity === 'ok' ? [] : ['integrity']),
    ...Object.entries(found).flatMap(([name, count]) => (count > 0 ? [name] : [])),
  ]
  const bad = Object.fromEntries(Object.entries(found).filter(([, count]) => count !== 0))
  const others = `SELECT phase, reason, count(*) AS count FROM ${stage.tables.deliveries} WHERE phase <> 'succeeded' GROUP BY phase, reason`
  const ends = found.unfinished > 0 ? { unfinishedAs: await stage.query(others) } : {}
  return { failed, figures: { ...figures, ...bad, ...ends } }
}

import { PosthornError } from '../../domain/error.ts'
import type { ClaimNew, KnownMatch } from '../query.ts'
import type { Claimed, Enqueued, EnqueueResult, NewEvent } from '../storage.ts'
import type { Database } from './database.ts'
import type { DueFloor } from './due-floors.ts'
import { deliveriesInput, eventsInput } from './enqueue-input.ts'
import { enqueueFunctions } from './enqueue-function.ts'
import { firstClaim } from '../first-claim.ts'
import { enqueueOptimistically, isForOptimists } from './optimistic-enqueue.ts'
import { isUniqueViolation, unlessTaken } from './storage-failed.ts'
import type { StoredFunction } from './stored-function.ts'
import { toWebhook, type WebhookRow } from './webhook-row.ts'
import { isStillSo } from './webhooks.ts'

/** How events are written. */
interface Writing {
  readonly claimFor: ClaimNew | undefined
  readonly ifMatched: readonly KnownMatch[]
}

const stale: Enqueued = { results: [], claimed: [], isStale: true }

/**
 * Writes events with their deliveries, and leases what `claimFor` asks for: one statement, and one before it where `ifMatched` is to be checked
 * and not all is leased at once.
 */
export async function enqueue(
  database: Database,
  events: readonly NewEvent[],
  { claimFor, ifMatched }: Writing,
  floor: DueFloor,
): Promise<Enqueued> {
  if (events.length === 0) return { results: [], claimed: [] }
  if (claimFor !== undefined && isForOptimists(events, claimFor)) {
    const claimed = await unlessTaken(enqueueOptimistically(database, events, claimFor, ifMatched, floor.waitingMs))
    if (claimed === 'stale') return stale
    if (claimed !== undefined) return { results: events.map(({ id }) => ({ id, status: 'accepted' })), claimed }
  }
  if (ifMatched.length > 0 && !(await isStillSo(database, ifMatched))) return stale
  const written = firstOfEach(events)
  const hasKeys = written.some(({ idempotencyKey }) => idempotencyKey !== undefined)
  const { limit, leaseMs } = claimFor ?? { limit: 0, leaseMs: 0 }
  const called = functionFor(hasKeys, limit > 0)
  let answer: EnqueueAnswer
  try {
    answer = await database.call<EnqueueAnswer>(called, [
      ...eventsInput(written),
      ...deliveriesInput(written),
      limit,
      leaseMs,
      floor.waitingMs,
    ])
  } catch (error) {
    throw error instanceof PosthornError && isUniqueViolation(error.cause) ? takenDelivery(error) : error
  }
  const answers = answersOf(answer, written)
  return { results: events.map((event) => resultOf(event, answers)), claimed: claimedOf(answer, written) }
}

function functionFor(hasKeys: boolean, isClaiming: boolean): StoredFunction {
  const { plain, keyed, claiming, keyedClaiming } = enqueueFunctions
  if (isClaiming) return hasKeys ? keyedClaiming : claiming
  return hasKeys ? keyed : plain
}

/** What the function answers. */
interface EnqueueAnswer {
  /** The events that have a key; null where none has. */
  readonly keyed: readonly KeyAnswer[] | null
  /** When it was written, in milliseconds since 1970 by the server's clock; this and the rest where it claims. */
  readonly now?: number
  /** What was leased, null where nothing was. */
  readonly claimed?: {
    readonly ids: readonly string[] | null
    readonly webhookIds: readonly string[] | null
    readonly leases: readonly string[] | null
  }
  /** The webhooks of these, once each. */
  readonly webhooks?: readonly WebhookRow[] | null
}

/** Of the event at `n`, whether it was stored before, and who holds its key. */
interface KeyAnswer {
  readonly n: number
  readonly isStored: boolean
  readonly holderId: string
  readonly holderHash: string
}

/** A batch may hold an event twice, which is written once. */
function firstOfEach(events: readonly NewEvent[]): NewEvent[] {
  const firsts = new Map<string, NewEvent>()
  for (const event of events) if (!firsts.has(nameOf(event))) firsts.set(nameOf(event), event)
  return [...firsts.values()]
}

function nameOf({ id, tenantId }: NewEvent): string {
  return `${id} ${tenantId}`
}

function takenDelivery(error: PosthornError): PosthornError {
  return new PosthornError(
    'CONFLICT',
    'A delivery cannot be written: its id is taken, or its event has another delivery to the same webhook. ' +
      'Nothing of the batch was written; give every delivery a new id and each webhook one.',
    { cause: error.cause },
  )
}

function answersOf({ keyed }: EnqueueAnswer, written: readonly NewEvent[]): Map<string, KeyAnswer> {
  const byName = new Map<string, KeyAnswer>()
  for (const answer of keyed ?? []) {
    const event = written[answer.n]
    if (event !== undefined) byName.set(nameOf(event), answer)
  }
  return byName
}

function resultOf(event: NewEvent, answers: ReadonlyMap<string, KeyAnswer>): EnqueueResult {
  const answer = answers.get(nameOf(event))
  if (answer === undefined) return { id: event.id, status: 'accepted' }
  const { isStored, holderId, holderHash } = answer
  if (isStored || holderId === event.id) return { id: event.id, status: 'accepted' }
  return { id: holderId, status: holderHash === event.bodyHash ? 'duplicate' : 'conflict' }
}

function claimedOf({ now = 0, claimed, webhooks }: EnqueueAnswer, written: readonly NewEvent[]): Claimed[] {
  const known = new Map((webhooks ?? []).map((webhook) => [webhook.id, toWebhook(webhook)]))
  const events = new Map<string, NewEvent>()
  for (const event of written) for (const { id } of event.deliveries) events.set(id, event)
  const { ids, webhookIds, leases } = claimed ?? {}
  return (ids ?? []).flatMap((id, place) => {
    const webhook = known.get(webhookIds?.[place] ?? '')
    const event = events.get(id)
    const lease = leases?.[place]
    if (webhook === undefined || event === undefined || lease === undefined) return []
    return firstClaim(id, lease, event, webhook, now)
  })
}

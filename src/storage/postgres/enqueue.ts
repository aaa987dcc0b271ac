import { PosthornError } from '../../domain/error.ts'
import type { ClaimNew } from '../query.ts'
import type { Claimed, Enqueued, EnqueueResult, NewEvent } from '../storage.ts'
import type { Database } from './database.ts'
import type { DueFloor } from './due-floors.ts'
import { deliveriesInput, eventsInput } from './enqueue-input.ts'
import { enqueueStatement, selectEnqueued } from './enqueue-statement.ts'
import { isUniqueViolation } from './storage-failed.ts'
import { toWebhook, type WebhookRow } from './webhook-row.ts'

/** Writes events with their deliveries, and leases what `claimFor` asks for: one statement. */
export async function enqueue(
  database: Database,
  events: readonly NewEvent[],
  claimFor: ClaimNew | undefined,
  floor: DueFloor,
): Promise<Enqueued> {
  if (events.length === 0) return { results: [], claimed: [] }
  const { names } = database
  const written = firstOfEach(events)
  const isClaiming = claimFor !== undefined && claimFor.limit > 0
  const needs = { hasKeys: written.some(({ idempotencyKey }) => idempotencyKey !== undefined), isClaiming }
  const params = [
    eventsInput(written),
    deliveriesInput(written),
    ...(isClaiming ? [claimFor.limit, claimFor.leaseMs, floor.waitingMs] : []),
  ]
  let rows: readonly EnqueueRow[]
  try {
    rows = await database.all<EnqueueRow>(selectEnqueued(names, needs), params, enqueueStatement(names, needs))
  } catch (error) {
    throw error instanceof PosthornError && isUniqueViolation(error.cause) ? takenDelivery(error) : error
  }
  const answers = answersOf(rows, written)
  return { results: events.map((event) => resultOf(event, answers)), claimed: claimedOf(rows, written) }
}

/** What the statement answers: each row is one of these. */
interface EnqueueRow {
  readonly event: EventAnswer | null
  readonly claimed: {
    readonly id: string
    readonly lease: string
    readonly webhookId: string
    readonly now: number
  } | null
  readonly webhook: WebhookRow | null
}

/** Of the event at `n`, whether it was stored before, and who holds its key. */
interface EventAnswer {
  readonly n: number
  readonly isStored: boolean
  readonly holderId: string | null
  readonly holderHash: string | null
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

function answersOf(rows: readonly EnqueueRow[], written: readonly NewEvent[]): Map<string, EventAnswer> {
  const answers = rows.flatMap(({ event }) => (event === null ? [] : [event]))
  return new Map(
    written.flatMap((event, n) => answers.filter((a) => a.n === n).map((a) => [nameOf(event), a] as const)),
  )
}

function resultOf(event: NewEvent, answers: ReadonlyMap<string, EventAnswer>): EnqueueResult {
  const answer = answers.get(nameOf(event))
  if (answer === undefined) throw new Error(`the statement gave no answer for event ${event.id}`)
  const { isStored, holderId, holderHash } = answer
  if (isStored || holderId === null || holderId === event.id) return { id: event.id, status: 'accepted' }
  return { id: holderId, status: holderHash === event.bodyHash ? 'duplicate' : 'conflict' }
}

function claimedOf(rows: readonly EnqueueRow[], written: readonly NewEvent[]): Claimed[] {
  const webhooks = new Map(rows.flatMap(({ webhook }) => (webhook === null ? [] : [[webhook.id, webhook] as const])))
  const events = new Map(written.flatMap((event) => event.deliveries.map(({ id }) => [id, event] as const)))
  return rows.flatMap(({ claimed }) => {
    const webhook = webhooks.get(claimed?.webhookId ?? '')
    const event = events.get(claimed?.id ?? '')
    if (claimed === null || webhook === undefined || event === undefined) return []
    const { id, tenantId, type, body, contentType, idempotencyKey = null } = event
    return {
      id: claimed.id,
      lease: claimed.lease,
      attemptCount: 0,
      attemptsBefore: 0,
      claimCount: 1,
      trigger: 'auto',
      event: { id, tenantId, type, body, contentType, idempotencyKey, createdAt: new Date(claimed.now) },
      webhook: toWebhook(webhook),
    }
  })
}

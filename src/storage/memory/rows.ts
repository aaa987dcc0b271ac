import type { Attempt, AttemptTrigger, DeliveryState } from '../../domain/delivery.ts'
import type { LinkedNode } from '../../domain/linked-list.ts'
import type { HeapEntry, TimeHeap } from './time-heap.ts'

/**
 * A delivery as it is held in memory. While it is pending it has one place: `lease` null, in its lane at the instant it is due;
 * `lease` set, among the leases at the instant that one runs out. Once it is final it stands in the history.
 */
export interface DeliveryRow {
  readonly id: string
  readonly event: EventRow
  readonly webhookId: string
  readonly createdAtMs: number
  state: DeliveryState
  reason: string | null
  attemptCount: number
  attemptsBefore: number
  claimCount: number
  trigger: AttemptTrigger
  lastStatus: number | null
  finishedAtMs: number | null
  attempts: Attempt[]
  place: HeapEntry<DeliveryRow> | null
  /** The lane it is in; null once it is final. */
  lane: Lane | null
  lease: string | null
  historyNode: LinkedNode<HistoryRow> | null
  historySize: number
  isRemoved: boolean
}

/** What came to rest; its `historySize` is about how many characters of text it holds. */
export type HistoryRow = EventRow | DeliveryRow

/**
 * The pending deliveries of one webhook. A lane that can give something out now has a turn in the round; one that will be able to
 * at a known instant has an alarm; one whose slots are all taken has neither, until a lease ends.
 */
export interface Lane {
  readonly key: string
  readonly tenantId: string
  readonly webhookId: string
  /** What nobody holds, by the instant it is due. */
  readonly queue: TimeHeap<DeliveryRow>
  leasedCount: number
  turn: LinkedNode<Lane> | null
  alarm: HeapEntry<Lane> | null
}

/** An event as it is held in memory. */
export interface EventRow {
  readonly id: string
  readonly tenantId: string
  readonly type: string
  body: string | null
  readonly contentType: string
  readonly idempotencyKey: string | null
  readonly createdAtMs: number
  /** Some may be forgotten already: those are marked as removed. */
  deliveries: DeliveryRow[]
  /** How many of them are not. */
  keptCount: number
  pendingCount: number
  /** Its place in the history; only where it has no delivery that could stand there for it. */
  historyNode: LinkedNode<HistoryRow> | null
  historySize: number
  isRemoved: boolean
}

import type { Attempt, AttemptTrigger, DeliveryState } from '../../domain/delivery.ts'
import type { LinkedNode } from './linked-list.ts'
import type { HeapEntry } from './time-heap.ts'

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
  lease: string | null
  historyNode: LinkedNode<HistoryEntry> | null
  isRemoved: boolean
}

/** What came to rest, and about how many characters of text it holds. */
export interface HistoryEntry {
  readonly row: EventRow | DeliveryRow
  readonly size: number
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
  readonly deliveries: Set<DeliveryRow>
  pendingCount: number
  /** Its place in the history; only where it has no delivery that could stand there for it. */
  historyNode: LinkedNode<HistoryEntry> | null
  isRemoved: boolean
}

import type { Attempt, DeliveryState } from '../domain/delivery.ts'

/** One attempt as the worker reports it. */
export type NewAttempt = Omit<Attempt, 'deliveryId'>

/** Names one hold on one delivery. */
export interface LeaseRef {
  /** The delivery. */
  readonly id: string
  /** The lease that `claim` gave. */
  readonly lease: string
}

/** Records an attempt and keeps the lease, because another attempt of this round follows. */
export interface ContinueSettlement extends LeaseRef {
  /** Which step it is. */
  readonly outcome: 'continue'
  /** What was met. */
  readonly attempt: NewAttempt
  /** How much longer the lease is held, in milliseconds from now. */
  readonly leaseMs: number
}

/** Final: the receiver has it. */
export interface SucceededSettlement extends LeaseRef {
  /** Which step it is. */
  readonly outcome: 'succeeded'
  /** What was met. */
  readonly attempt: NewAttempt
}

/** Final: it is not tried again. */
export interface FailedSettlement extends LeaseRef {
  /** Which step it is. */
  readonly outcome: 'failed'
  /** What was met; absent where nothing could be sent. */
  readonly attempt?: NewAttempt
  /** Why it is final. */
  readonly reason: string
}

/** Records an attempt and gives the lease back. */
export interface RetrySettlement extends LeaseRef {
  /** Which step it is. */
  readonly outcome: 'retry'
  /** What was met. */
  readonly attempt: NewAttempt
  /** When it is due again, in milliseconds from now. */
  readonly retryInMs: number
}

/** Gives the lease back; nothing was sent. */
export interface ReleaseSettlement extends LeaseRef {
  /** Which step it is. */
  readonly outcome: 'release'
  /** When it is due again, in milliseconds from now. */
  readonly retryInMs: number
}

/**
 * One step of a claimed delivery. `continue`, `retry` and `release` end as `cancelled` where the webhook is gone or no longer active.
 */
export type Settlement =
  ContinueSettlement | SucceededSettlement | FailedSettlement | RetrySettlement | ReleaseSettlement

/** What a settlement led to. */
export interface Settled {
  /** The delivery. */
  readonly id: string
  /** Its state now. */
  readonly state: DeliveryState
}

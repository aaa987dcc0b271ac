import type { DeliveryState } from '../domain/delivery.ts'
import type { Webhook } from '../domain/webhook.ts'

/** Which rows of a listing; all of these that are given must hold. */
export interface DeliveryFilter {
  /** Deliveries to this webhook. */
  readonly webhookId?: string
  /** Deliveries of this event. */
  readonly eventId?: string
  /** Deliveries in this state. */
  readonly state?: DeliveryState
  /** Deliveries of this event type. */
  readonly type?: string
  /** Written at this instant or later. */
  readonly after?: Date
  /** Written before this instant. */
  readonly before?: Date
}

/** Which page of a listing. */
export interface PageQuery {
  /** The most rows to return, from 1. */
  readonly limit: number
  /** From the page before. Anything else is refused with `CURSOR_INVALID`. */
  readonly cursor?: string
  /** By id, which is by time of creation; newest first (`desc`) unless given. */
  readonly order?: 'asc' | 'desc'
}

/** Which webhooks to list. */
export interface ListWebhooks extends PageQuery {
  /** The tenant. */
  readonly tenantId: string
  /** Only active or only inactive ones. */
  readonly isActive?: boolean
}

/** Which webhooks want an event. */
export interface MatchWebhooks {
  /** The tenant. */
  readonly tenantId: string
  /** Every pattern that matches the event's type. */
  readonly patterns: readonly string[]
}

/** A webhook that wants an event: as much of it as is needed to write a delivery. */
export type WebhookMatch = Pick<Webhook, 'id' | 'isActive'>

/** What a query was answered before. */
export interface KnownMatch extends MatchWebhooks {
  /** The answer, as it was. */
  readonly webhooks: readonly WebhookMatch[]
}

/** Which deliveries to claim. */
export interface ClaimQuery {
  /** The most deliveries to claim, from 1. */
  readonly limit: number
  /** How long they are held, in milliseconds. */
  readonly leaseMs: number
  /** Only these, where they are due. */
  readonly ids?: readonly string[]
}

/** Which deliveries are asked for that should have been claimed by now. */
export interface OverdueQuery {
  /** The most ids to give, from 1. */
  readonly limit: number
  /** For how long they have been due at least, in milliseconds, from 0. */
  readonly byMs: number
}

/** How newly written deliveries are claimed in the same step. */
export type ClaimNew = Omit<ClaimQuery, 'ids'>

/** In whose transaction a call takes part. */
export interface TransactionOptions {
  /**
   * The caller's own open transaction, as the adapter takes it. What is written is visible if and only if the caller commits; the
   * adapter neither commits, rolls back, nor sets savepoints, and refuses with `TRANSACTIONS_UNSUPPORTED` what it can tell to be in no
   * transaction. Given only to adapters whose `capabilities.transactions` is `caller`.
   */
  readonly tx?: unknown
}

/** How events are written. */
export interface EnqueueOptions extends TransactionOptions {
  /** Leases deliveries to the caller as they are written. */
  readonly claimFor?: ClaimNew
  /**
   * What the deliveries rest on, one for each query: where {@link Storage.matchWebhooks}, asked within the call, answers any of them otherwise,
   * nothing is written, and the answer is stale. Given only to adapters with the capability `checksMatches`, and never with `tx`.
   */
  readonly ifMatched?: readonly KnownMatch[]
}

/** Which deliveries to change in bulk. */
export interface BulkQuery extends DeliveryFilter {
  /** The tenant. */
  readonly tenantId: string
  /** Only these. */
  readonly ids?: readonly string[]
  /** From the call before. */
  readonly cursor?: string
  /** The most deliveries to change, from 1. */
  readonly limit: number
}

/** Which final deliveries to make due again. */
export interface RequeueQuery extends BulkQuery {
  /** Spreads them evenly at random over this many milliseconds; 0 unless given. */
  readonly spreadMs?: number
}

/** Which pending deliveries to cancel. */
export interface CancelQuery extends BulkQuery {
  /** The reason they get. */
  readonly reason: string
}

/** Which events to list. */
export interface ListEvents extends PageQuery {
  /** The tenant. */
  readonly tenantId: string
  /** Events of this type. */
  readonly type?: string
  /** Written at this instant or later. */
  readonly after?: Date
  /** Written before this instant. */
  readonly before?: Date
}

/** Which deliveries to list. */
export interface ListDeliveries extends PageQuery, DeliveryFilter {
  /** The tenant. */
  readonly tenantId: string
}

/** Which attempts to list. */
export interface ListAttempts extends PageQuery {
  /** The tenant. */
  readonly tenantId: string
  /** The delivery. */
  readonly deliveryId: string
}

/** What to count. */
export interface StatsQuery {
  /** Of this tenant; of all unless given. */
  readonly tenantId?: string
  /** Of this webhook; of all unless given. */
  readonly webhookId?: string
  /** How far to count, of each state; what has more may be answered as this many, `isApproximate`. 100,000 unless given. */
  readonly countUpTo?: number
}

/** What to remove. */
export interface PurgeQuery {
  /** Events older than this, in milliseconds, with all their deliveries and attempts. */
  readonly eventsOlderThanMs?: number
  /** Bodies older than this, in milliseconds. */
  readonly bodiesOlderThanMs?: number
  /** Attempts older than this, in milliseconds. */
  readonly attemptsOlderThanMs?: number
  /** The most rows to remove, from 1. */
  readonly limit: number
}

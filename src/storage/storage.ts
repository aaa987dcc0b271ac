import type { Attempt, AttemptTrigger, Delivery, Page, WebhookEvent } from '../domain/delivery.ts'
import type { Webhook } from '../domain/webhook.ts'
import type {
  CancelQuery,
  ClaimQuery,
  EnqueueOptions,
  ListAttempts,
  ListDeliveries,
  ListEvents,
  ListWebhooks,
  MatchWebhooks,
  OverdueQuery,
  PageQuery,
  PurgeQuery,
  RequeueQuery,
  StatsQuery,
  TransactionOptions,
  WebhookMatch,
} from './query.ts'
import type { LeaseRef, Settled, Settlement } from './settlement.ts'

/** A webhook as it is stored, its secrets and headers sealed by the core. */
export interface StoredWebhook extends Omit<Webhook, 'headers'> {
  /** Secrets and headers, sealed by the core; opaque text here. */
  readonly sealed: string
  /** No claims before this instant; set by {@link Storage.gate}. */
  readonly gateUntil: Date | null
  /** Grows by one with every {@link Storage.updateWebhook}. */
  readonly version: number
}

/** What {@link Storage.updateWebhook} may change. */
export type WebhookPatch = Partial<
  Omit<StoredWebhook, 'id' | 'tenantId' | 'version' | 'gateUntil' | 'createdBy' | 'createdAt'>
>

/** One delivery to write with its event. */
export interface NewDelivery {
  /** UUIDv7, made by the core. Unique overall. */
  readonly id: string
  /** The webhook to deliver to, of the event's tenant. */
  readonly webhookId: string
  /** When given, the delivery is written as `skipped` with this reason. */
  readonly skip?: string
}

/** One event to write, with everything that it is to be delivered to. */
export interface NewEvent {
  /** UUIDv7, made by the core. Unique within the tenant only: another tenant's event may have the same one. */
  readonly id: string
  /** The tenant. */
  readonly tenantId: string
  /** Dotted event type. */
  readonly type: string
  /** The exact text to sign and send. */
  readonly body: string
  /** Media type of the body. */
  readonly contentType: string
  /** Makes a second event with the same key a duplicate or a conflict. */
  readonly idempotencyKey?: string
  /** Fingerprint that tells a duplicate from a conflict; given whenever `idempotencyKey` is. */
  readonly bodyHash?: string
  /** How long the key is remembered, in milliseconds; given whenever `idempotencyKey` is. */
  readonly idempotencyTtlMs?: number
  /** How long to hold the deliveries back, in milliseconds; 0 unless given. */
  readonly delayMs?: number
  /** What to deliver: the core has matched, filtered and named each one. Unique by webhook. */
  readonly deliveries: readonly NewDelivery[]
}

/**
 * What became of one event: `accepted`; `duplicate` (same key, same fingerprint: the first event's id, nothing written);
 * `conflict` (same key, other fingerprint: nothing written). An event id that is stored already answers `accepted` again and
 * writes nothing, so that a call whose answer was lost may be repeated.
 */
export interface EnqueueResult {
  /** The id of the event that stands. */
  readonly id: string
  /** What became of it. */
  readonly status: 'accepted' | 'duplicate' | 'conflict'
}

/** A delivery that the caller now holds, with all that is needed to send it. */
export interface Claimed {
  /** The delivery. */
  readonly id: string
  /** New on every claim, which may give one to all that it leases; with the id it names this hold in every later write. */
  readonly lease: string
  /** Attempts made so far. */
  readonly attemptCount: number
  /** Attempts made before it was last requeued; the retry policy counts from here. */
  readonly attemptsBefore: number
  /** Claims since an attempt was last recorded, this one included and released ones not: above 1, an earlier holder died. */
  readonly claimCount: number
  /** `manual` after {@link Storage.requeue}. */
  readonly trigger: AttemptTrigger
  /** The event. */
  readonly event: WebhookEvent
  /** The webhook as it is now. */
  readonly webhook: StoredWebhook
}

/** How a bulk change of deliveries went. */
export interface BulkResult {
  /** How many deliveries were changed by this call. */
  readonly count: number
  /** Pass it on to go on; null when all matching deliveries were seen. */
  readonly nextCursor: string | null
}

/** How much work there is. */
export interface StorageStats {
  /** Due now. */
  readonly ready: number
  /** Due later. */
  readonly waiting: number
  /** Held by a worker. */
  readonly leased: number
  /** How long the oldest due delivery has been due, in milliseconds; null where none is. */
  readonly oldestReadyMs: number | null
  /** Whether the counts are estimates. */
  readonly isApproximate: boolean
}

/** What a claim got. */
export interface ClaimResult {
  /** The deliveries that the caller now holds. */
  readonly claimed: Claimed[]
  /** When to ask again, in milliseconds: 0 where more may be due already, null where nothing is pending. */
  readonly nextDueInMs: number | null
}

/** What became of a write of events. */
export interface Enqueued {
  /** One for each event, in order. */
  readonly results: EnqueueResult[]
  /** The new deliveries that the caller now holds. */
  readonly claimed: Claimed[]
  /** True where nothing was written, and the others are empty, since `ifMatched` does not hold any more. */
  readonly isStale?: boolean
}

/** How a purge went. */
export interface PurgeResult {
  /** How many rows were removed, or lost their body. */
  readonly removed: number
  /** Whether nothing is left to remove. */
  readonly isDone: boolean
}

/** Who wants to know when others write. */
export interface StorageWatcher {
  /** Told that deliveries may have come due by a write of anybody's. */
  readonly onWritten: () => void
  /** Told of what failed, and will be tried again. */
  readonly onError: (error: unknown) => void
}

/**
 * The storage port, contract 1: everything that Posthorn asks of a database. Domain operations, batch-first. Relative times are
 * durations in milliseconds that the storage's own clock turns into instants; ids are made by the core. The invariants in these
 * comments are what `storageConformance` of `posthorn/testing` holds an adapter to.
 *
 * Tenants are sealed: where a method takes a `tenantId`, a row of another tenant is as good as missing. A delivery whose webhook is another
 * tenant's is never given out; to refuse the event is as good.
 *
 * What is stored is a copy of what is passed in, and what is given out is a copy again: whatever the caller does to either changes nothing stored.
 */
export interface Storage {
  /** The version of this contract that the adapter is written for. */
  readonly contract: 1
  /** For messages: `memory`, `sqlite`. */
  readonly name: string
  /** What the adapter can promise. */
  readonly capabilities: {
    /** What survives: nothing (`none`), a crash of the process and the machine (`disk`), that is the database server's affair (`server`). */
    readonly durability: 'none' | 'disk' | 'server'
    /** Who may share it: one process, the processes of one host, or many hosts. */
    readonly scope: 'process' | 'host' | 'cluster'
    /** Whether writes can take part in a transaction of the caller's. */
    readonly transactions: 'none' | 'caller'
    /**
     * Whether {@link Storage.enqueue} checks `ifMatched`. Then the core remembers who wanted the events of a type, and does not ask
     * {@link Storage.matchWebhooks} before each write: worth it where the check takes no round trip of its own. False unless given.
     */
    readonly checksMatches?: boolean
  }

  /**
   * Connects and checks the schema version. Safe to call again. With `tx`, what there is to check is checked on the caller's transaction,
   * which may hold the last connection of a pool; it stays usable where the check fails.
   */
  open(options?: TransactionOptions): Promise<void>
  /** Gives up what {@link Storage.open} took. Safe to call again. */
  close(): Promise<void>

  /**
   * Where there is one, tells the watcher soon after anybody's write of deliveries that are due, other processes' included, until the function
   * returned is called. It may miss some and tell of too many: whoever watches polls too, only less often needs to.
   */
  watch?(watcher: StorageWatcher): () => Promise<void>

  /** Writes a webhook. `CONFLICT` where the id is taken, by another tenant too; the first row stays as it was. */
  insertWebhook(webhook: StoredWebhook, options?: TransactionOptions): Promise<void>
  /** Reads a webhook, or null. */
  getWebhook(id: string, tenantId: string): Promise<StoredWebhook | null>
  /** Changes the fields given and adds one to `version`. Null where there is none; `CONFLICT` where its version is not `ifVersion`. */
  updateWebhook(id: string, tenantId: string, patch: WebhookPatch, ifVersion?: number): Promise<StoredWebhook | null>
  /**
   * Removes a webhook; false where there is none. From then on none of its deliveries is claimed, and those not under way end as
   * `cancelled`: the core asks for that with {@link Storage.cancel}, and {@link Storage.claim} does it for what was missed.
   */
  deleteWebhook(id: string, tenantId: string): Promise<boolean>
  /** Lists webhooks by id. */
  listWebhooks(query: ListWebhooks): Promise<Page<StoredWebhook>>
  /** Lists the webhooks of all tenants by id, for what an operator does to every row. */
  listAllWebhooks(query: PageQuery): Promise<Page<StoredWebhook>>
  /** Counts the webhooks of a tenant, active or not. */
  countWebhooks(tenantId: string): Promise<number>
  /**
   * For each query, in order, every webhook of the tenant, active or not, with at least one pattern in `patterns`, each once and by id. Reads
   * the matching rows only.
   */
  matchWebhooks(queries: readonly MatchWebhooks[], options?: TransactionOptions): Promise<WebhookMatch[][]>
  /** Holds back every claim of the webhook for `forMs`, or for as long as it is held back already; null opens it at once. */
  gate(id: string, forMs: number | null): Promise<void>

  /**
   * Writes events and their deliveries, all or nothing; results stand in the order of `events`. Rejects, having written nothing, where the id
   * of a delivery is taken or stands in the batch twice, those of events that are not written again excepted. With `claimFor`, up to `limit` of
   * the new deliveries are leased to the caller in the same step, under the same rules as {@link Storage.claim}.
   */
  enqueue(events: readonly NewEvent[], options?: EnqueueOptions): Promise<Enqueued>

  /**
   * Leases up to `limit` due deliveries, or those of `ids` that are due. At most one live lease per delivery; only active webhooks
   * that are not gated; the live leases of a webhook never exceed its `maxInFlight`; no webhook's backlog delays another's; work is
   * O(limit + webhooks probed), never O(backlog); an expired lease is claimable again. Deliveries of a webhook that is gone or not
   * active are made `cancelled` (reason `deleted` or `disabled`) when they are met, in bounded chunks, a lease that is live excepted.
   * `nextDueInMs` says when to ask again: 0 where more may be due already, null where nothing is pending. What is due behind a webhook with
   * `maxInFlight` live leases counts from the end of the next of them, and behind a gate from its opening; neither as 0, or the caller would
   * ask without end.
   */
  claim(query: ClaimQuery): Promise<ClaimResult>
  /**
   * The ids of up to `limit` deliveries that a claim could give out now and that have been due for `byMs` at least, leasing none of them.
   * Shared out as by a claim: of each webhook no more than its free slots, and the longest due first; no webhook's backlog hides another's;
   * repeated calls come to every webhook; work is O(limit + webhooks probed). What a claim does to what it meets, this may do too (expired
   * leases, what has come due), and deliveries of a webhook that is gone or not active it makes `cancelled` in the same way.
   */
  overdue(query: OverdueQuery): Promise<readonly string[]>
  /** Prolongs live leases to `leaseMs` from now; returns the ids of those that were still held. */
  renew(leases: readonly LeaseRef[], leaseMs: number): Promise<string[]>
  /**
   * Writes state and attempt together or neither. A lease that is not the delivery's own any more writes nothing and is left out of
   * the result. An attempt whose number is recorded already is not recorded
   * again, so that a call whose answer was lost may be repeated.
   */
  settle(settlements: readonly Settlement[]): Promise<Settled[]>

  /**
   * Makes final deliveries due again (trigger `manual`), at most `limit` a call, spread evenly at random over `spreadMs`; earlier
   * attempts stay and no longer count against the retry policy. Pending ones are passed over.
   */
  requeue(query: RequeueQuery): Promise<BulkResult>
  /** Makes pending deliveries that nobody holds `cancelled` with a reason, at most `limit` a call. */
  cancel(query: CancelQuery): Promise<BulkResult>

  /** Reads an event, or null. */
  getEvent(id: string, tenantId: string): Promise<WebhookEvent | null>
  /** Reads a delivery, or null. */
  getDelivery(id: string, tenantId: string): Promise<Delivery | null>
  /** Lists events by id. */
  listEvents(query: ListEvents): Promise<Page<WebhookEvent>>
  /** Lists deliveries by id. */
  listDeliveries(query: ListDeliveries): Promise<Page<Delivery>>
  /** Lists the attempts of one delivery by number, first one first unless `order` says otherwise. */
  listAttempts(query: ListAttempts): Promise<Page<Attempt>>
  /** Counts the pending work, of all tenants unless one is given. Cheap at ten million rows. */
  stats(query: StatsQuery): Promise<StorageStats>

  /**
   * Removes old rows, at most `limit` a call: events with all their deliveries and attempts, bodies only, attempts only. Never
   * touches an event that has a pending delivery. `isDone` once nothing is left to remove.
   */
  purge(query: PurgeQuery): Promise<PurgeResult>
}

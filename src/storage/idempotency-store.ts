/**
 * Remembers which events a receiver has worked on, so that each is worked on once; and, for the management API, which requests with an
 * `Idempotency-Key` were made, and what they were answered. The state of one event:
 *
 * ```
 * absent ─reserve→ reserved ─complete→ completed ─keepMs→ absent
 *    ↑                ├─release→ absent (without a record) or lapsed (with one)
 *    │                └─leaseMs→ lapsed: the holder died
 *    └── keepMs ──────────────── lapsed ─reserve | claimLapsed→ reserved, under a new lease
 * ```
 *
 * Durations are judged by the store's own clock; lease tokens are made by the receiver. Every method is atomic. Errors of the
 * database are thrown as they come: the receiver answers 503. `idempotencyConformance` of `posthorn/testing` holds an
 * implementation to these comments.
 */
export interface IdempotencyStore {
  /** For messages: `memory`, `redis`. */
  readonly name: string
  /** What survives: nothing (`none`), a crash of the process and the machine (`disk`), what the database server promises (`server`). */
  readonly durability: 'none' | 'disk' | 'server'
  /**
   * Takes an event that is absent or lapsed; otherwise says who has it and writes nothing. Of two calls at once, one takes it.
   * A lapsed event keeps its first fingerprint, and takes the new record.
   */
  reserve(reservation: Reservation): Promise<ReserveResult>
  /**
   * Marks an event as done for `keepMs`, and forgets its record. Also where the lease has lapsed and nobody has taken the event since.
   * `answer`, opaque text of up to 1 MiB, is kept with it: every later {@link IdempotencyStore.reserve} gives it back as it is.
   * False, and nothing is written, where another holds it or has completed it.
   */
  complete(held: HeldReservation, keepMs: number, answer?: string): Promise<boolean>
  /**
   * Gives an event back: one without a record is absent at once, one with a record is lapsed at once. False, and nothing is written,
   * where the lease is not the event's own any more.
   */
  release(held: HeldReservation): Promise<boolean>
  /** Takes up to `limit` lapsed events of a scope that have a record, longest lapsed first, under one new lease. */
  claimLapsed(query: LapsedQuery): Promise<LapsedEvent[]>
}

/** Names one event: of which endpoint, and which. */
export interface ReservationKey {
  /** The endpoint, 1 to 128 characters of `A-Z a-z 0-9 . _ ~ : / @ -`. */
  readonly scope: string
  /** Scheme and event id, printable ASCII without spaces and braces, at most 900 characters. */
  readonly id: string
}

/** What {@link IdempotencyStore.reserve} writes. */
export interface Reservation extends ReservationKey {
  /** New for every call; names this hold in every later write. */
  readonly lease: string
  /** For how long the event is held, in milliseconds. */
  readonly leaseMs: number
  /** For how long anything of it is kept at most, in milliseconds. */
  readonly keepMs: number
  /** The digest of the body. */
  readonly fingerprint: string
  /** What is needed to work on the event later, opaque text; null where the sender would send it again. */
  readonly record: string | null
}

/** What {@link IdempotencyStore.reserve} answers; `fingerprint` is that of the event's first reservation. */
export type ReserveResult =
  | {
      /** The caller now holds it. */
      readonly status: 'reserved'
      /** How often it was taken, this time included. */
      readonly attempt: number
      /** The digest of the body that it came with first. */
      readonly fingerprint: string
    }
  | {
      /** Somebody else holds it. */
      readonly status: 'in-flight'
      /** When their lease ends, in milliseconds. */
      readonly retryInMs: number
      /** The digest of the body that it came with first. */
      readonly fingerprint: string
    }
  | {
      /** It is done. */
      readonly status: 'completed'
      /** The digest of the body that it came with first. */
      readonly fingerprint: string
      /** What it was completed with, null where that was nothing. */
      readonly answer: string | null
    }

/** A reservation in the hands of who made it. */
export interface HeldReservation extends ReservationKey {
  /** The lease token that it was made with. */
  readonly lease: string
  /** The digest of the body. */
  readonly fingerprint: string
}

/** What {@link IdempotencyStore.claimLapsed} is asked for. */
export interface LapsedQuery {
  /** The endpoint. */
  readonly scope: string
  /** The lease token for all of them. */
  readonly lease: string
  /** For how long they are held, in milliseconds. */
  readonly leaseMs: number
  /** How many at most. */
  readonly limit: number
}

/** An event whose holder died or gave it back. */
export interface LapsedEvent {
  /** Its id within the scope. */
  readonly id: string
  /** How often it was taken, this time included. */
  readonly attempt: number
  /** The digest of the body that it came with first. */
  readonly fingerprint: string
  /** The record of its last reservation. */
  readonly record: string
}

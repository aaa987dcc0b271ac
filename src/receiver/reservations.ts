import type { VerifiedWebhook } from '../signing/verified-webhook.ts'
import { digest, eventKey } from './event-key.ts'
import { writeRecord } from './event-record.ts'
import type { IdempotencyOptions } from './idempotency-options.ts'
import { reserveInTime, storeInTime } from '../storage/idempotency-in-time.ts'
import type { HeldReservation, LapsedEvent, ReserveResult } from '../storage/idempotency-store.ts'
import type { ReceiveFlag } from './outcome.ts'

/** An event in the hands of this request: nobody else works on it. */
export interface Hold {
  /** How often the event was taken up, this time included. */
  readonly attempt: number
  /** Aborts when the hold ends by itself. */
  readonly signal: AbortSignal
  /** Marks the event as done; false where another has it meanwhile. */
  complete(): Promise<boolean>
  /** Lets the next attempt in. */
  release(): Promise<void>
}

/** What came of asking for an event. */
export type Taken = (
  | { readonly status: 'taken'; readonly hold: Hold }
  | { readonly status: 'duplicate' }
  | { readonly status: 'in-flight'; readonly retryInMs: number }
) & {
  readonly flags: readonly ReceiveFlag[]
  /** Why the store was done without. */
  readonly storeError?: unknown
}

/** Where events are taken from. */
export interface ReservationSettings {
  readonly idempotency: Required<IdempotencyOptions> | null
  readonly endpoint: string
  /** Whether an event is stored whole, to be worked on when its request is gone. */
  readonly isAnsweredFirst: boolean
}

const firstPauseMs = 20
const longestPauseMs = 500

/** Asks the store for events, and gives them back. */
export class Reservations {
  readonly #settings: Required<IdempotencyOptions> | null
  readonly #endpoint: string
  readonly #isStored: boolean

  constructor({ idempotency, endpoint, isAnsweredFirst }: ReservationSettings) {
    this.#settings = idempotency
    this.#endpoint = endpoint
    this.#isStored = isAnsweredFirst
  }

  /** Takes an event, or says who has it. Throws where the store fails, unless it may be done without. */
  async take(webhook: VerifiedWebhook): Promise<Taken> {
    if (this.#settings === null) return { status: 'taken', hold: freeHold(), flags: [] }
    const eventId = this.#settings.keyOf(webhook)
    const isKnown = typeof eventId === 'string' && eventId !== ''
    if (!isKnown && !this.#isStored) return { status: 'taken', hold: freeHold(), flags: ['NO_EVENT_ID'] }
    const held: HeldReservation = {
      scope: this.#endpoint,
      id: await eventKey(webhook.scheme, isKnown ? eventId : crypto.randomUUID()),
      lease: crypto.randomUUID(),
      fingerprint: await digest(webhook.rawBody),
    }
    const record = this.#isStored ? writeRecord(webhook) : null
    let reserved: Reserved
    try {
      reserved = await this.#reserve(held, record, this.#settings)
    } catch (error) {
      if (this.#settings.whenStoreFails === 'reject') throw error
      return { status: 'taken', hold: freeHold(), flags: ['STORE_BYPASSED'], storeError: error }
    }
    const { answer, askedAtMs } = reserved
    const isReused = answer.fingerprint !== held.fingerprint
    const flags: ReceiveFlag[] = [
      ...(isKnown ? [] : ['NO_EVENT_ID' as const]),
      ...(isReused ? ['ID_REUSED' as const] : []),
    ]
    if (answer.status === 'completed') return { status: 'duplicate', flags }
    if (answer.status === 'in-flight') return { status: 'in-flight', retryInMs: answer.retryInMs, flags }
    return { status: 'taken', hold: this.#hold(held, answer.attempt, askedAtMs, this.#settings), flags }
  }

  /** Takes the event that has been lapsed for longest; null where there is none. */
  async takeLapsed(): Promise<{ readonly event: LapsedEvent; readonly hold: Hold } | null> {
    if (this.#settings === null) return null
    const { leaseMs, store, storeTimeoutMs } = this.#settings
    const lease = crypto.randomUUID()
    const askedAtMs = performance.now()
    const claiming = store.claimLapsed({ scope: this.#endpoint, lease, leaseMs, limit: 1 })
    const [event] = await storeInTime(store, claiming, storeTimeoutMs)
    if (event === undefined) return null
    const { id, fingerprint, attempt } = event
    const held = { scope: this.#endpoint, id, lease, fingerprint }
    return { event, hold: this.#hold(held, attempt, askedAtMs, this.#settings) }
  }

  async #reserve(
    held: HeldReservation,
    record: string | null,
    settings: Required<IdempotencyOptions>,
  ): Promise<Reserved> {
    const { store, leaseMs, keepMs, whenInFlight, waitMs, storeTimeoutMs } = settings
    const giveUpAt = performance.now() + (whenInFlight === 'wait' ? waitMs : 0)
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const askedAtMs = performance.now()
      const answer = await reserveInTime(store, { ...held, leaseMs, keepMs, record }, storeTimeoutMs)
      const leftMs = giveUpAt - performance.now()
      if (answer.status !== 'in-flight' || leftMs <= 0) return { answer, askedAtMs }
      await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, leftMs)))
    }
  }

  #hold(held: HeldReservation, attempt: number, askedAtMs: number, settings: Required<IdempotencyOptions>): Hold {
    const { store, keepMs, leaseMs, storeTimeoutMs } = settings
    const leaseEnd = new AbortController()
    // From before the store was asked: when it wrote the lease is not known, and its end must not be missed.
    const timer = setTimeout(() => leaseEnd.abort(), askedAtMs + leaseMs - performance.now())
    // as: outside Node a timer is a number. In it, a handler that hangs must not keep the process from ending.
    const { unref } = timer as { unref?: () => void }
    unref?.call(timer)
    return {
      attempt,
      signal: leaseEnd.signal,
      complete: async () => {
        clearTimeout(timer)
        return await storeInTime(store, store.complete(held, keepMs), storeTimeoutMs)
      },
      release: async () => {
        clearTimeout(timer)
        await storeInTime(store, store.release(held), storeTimeoutMs)
      },
    }
  }
}

interface Reserved {
  readonly answer: ReserveResult
  /** When the store was asked, on the clock of `performance.now()`. */
  readonly askedAtMs: number
}

/** Makes the hold on an event that nobody remembers. */
function freeHold(): Hold {
  // A signal for each: listeners of handlers would pile up on one for all.
  const { signal } = new AbortController()
  return { attempt: 1, signal, complete: async () => true, release: async () => {} }
}

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
export type Taken =
  | { readonly status: 'taken'; readonly hold: Hold; readonly flags: readonly ReceiveFlag[] }
  | { readonly status: 'duplicate'; readonly flags: readonly ReceiveFlag[] }
  | { readonly status: 'in-flight'; readonly retryInMs: number; readonly flags: readonly ReceiveFlag[] }

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
    if (this.#settings === null) return { status: 'taken', hold: freeHold, flags: [] }
    const eventId = this.#settings.keyOf(webhook)
    const isKnown = typeof eventId === 'string' && eventId !== ''
    if (!isKnown && !this.#isStored) return { status: 'taken', hold: freeHold, flags: ['NO_EVENT_ID'] }
    const held: HeldReservation = {
      scope: this.#endpoint,
      id: await eventKey(webhook.scheme, isKnown ? eventId : crypto.randomUUID()),
      lease: crypto.randomUUID(),
      fingerprint: await digest(webhook.rawBody),
    }
    const record = this.#isStored ? writeRecord(webhook) : null
    let answer: ReserveResult
    try {
      answer = await this.#reserve(held, record, this.#settings)
    } catch (error) {
      if (this.#settings.whenStoreFails === 'reject') throw error
      return { status: 'taken', hold: freeHold, flags: ['STORE_BYPASSED'] }
    }
    const isReused = answer.fingerprint !== held.fingerprint
    const flags: ReceiveFlag[] = [
      ...(isKnown ? [] : ['NO_EVENT_ID' as const]),
      ...(isReused ? ['ID_REUSED' as const] : []),
    ]
    if (answer.status === 'completed') return { status: 'duplicate', flags }
    if (answer.status === 'in-flight') return { status: 'in-flight', retryInMs: answer.retryInMs, flags }
    return { status: 'taken', hold: this.#hold(held, answer.attempt, this.#settings), flags }
  }

  /** Takes the event that has been lapsed for longest; null where there is none. */
  async takeLapsed(): Promise<{ readonly event: LapsedEvent; readonly hold: Hold } | null> {
    if (this.#settings === null) return null
    const { leaseMs, store, storeTimeoutMs } = this.#settings
    const lease = crypto.randomUUID()
    const claiming = store.claimLapsed({ scope: this.#endpoint, lease, leaseMs, limit: 1 })
    const [event] = await storeInTime(store, claiming, storeTimeoutMs)
    if (event === undefined) return null
    const { id, fingerprint, attempt } = event
    return { event, hold: this.#hold({ scope: this.#endpoint, id, lease, fingerprint }, attempt, this.#settings) }
  }

  async #reserve(
    held: HeldReservation,
    record: string | null,
    settings: Required<IdempotencyOptions>,
  ): Promise<ReserveResult> {
    const { store, leaseMs, keepMs, whenInFlight, waitMs, storeTimeoutMs } = settings
    const giveUpAt = performance.now() + (whenInFlight === 'wait' ? waitMs : 0)
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const answer = await reserveInTime(store, { ...held, leaseMs, keepMs, record }, storeTimeoutMs)
      const leftMs = giveUpAt - performance.now()
      if (answer.status !== 'in-flight' || leftMs <= 0) return answer
      await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, leftMs)))
    }
  }

  #hold(held: HeldReservation, attempt: number, settings: Required<IdempotencyOptions>): Hold {
    const { store, keepMs, leaseMs, storeTimeoutMs } = settings
    const leaseEnd = new AbortController()
    const timer = setTimeout(() => leaseEnd.abort(), leaseMs)
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

/** Of an event that nobody remembers. */
const freeHold: Hold = {
  attempt: 1,
  signal: new AbortController().signal,
  complete: async () => true,
  release: async () => {},
}

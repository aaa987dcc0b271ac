import type { VerifiedWebhook } from '../signing/verified-webhook.ts'
import { isIdempotencyStore } from '../storage/idempotency-in-time.ts'
import type { IdempotencyStore } from '../storage/idempotency-store.ts'

/** How a receiver remembers events. */
export interface IdempotencyOptions {
  /** Where they are remembered. */
  readonly store: IdempotencyStore
  /** How long a completed event is remembered, in milliseconds; 345,600,000 (96 hours) unless given. At least `retrySpanMs`. */
  readonly keepMs?: number
  /**
   * Over what time the sender repeats an event, in milliseconds; 272,105,000 unless given: 75 h 35 min 5 s, the example schedule of Standard
   * Webhooks. A repeat that comes after `keepMs` would be worked on again.
   */
  readonly retrySpanMs?: number
  /**
   * For how long an event belongs to one handler, in milliseconds, 1 to 86,400,000; 60,000 unless given. Longer than the slowest handler:
   * after it, the event is free for the next attempt.
   */
  readonly leaseMs?: number
  /**
   * What a repeat meets while the event is being worked on. `conflict`, unless given: 409 with `Retry-After`, which costs no open connection.
   * `wait`: the end of that work, for up to `waitMs`; then 409.
   */
  readonly whenInFlight?: 'conflict' | 'wait'
  /** How long `wait` waits at most, in milliseconds, 1 to 60,000; 10,000 unless given. */
  readonly waitMs?: number
  /** What happens when the store fails. `reject`, unless given: 503, the sender tries again. `process`: the work is done, perhaps again, and `onError` told. */
  readonly whenStoreFails?: 'reject' | 'process'
  /** How long the store may take for one answer, in milliseconds, 1 to 60,000; 5,000 unless given. */
  readonly storeTimeoutMs?: number
  /**
   * Gives what an event is known by, the same on each attempt; its `eventId` unless given. An event without one is worked on whenever it
   * comes, and flagged `NO_EVENT_ID`: some senders (Dropbox) mean the same body as a new event.
   */
  readonly keyOf?: (webhook: VerifiedWebhook) => string | null
}

/** Checks the options and fills in the defaults. */
export function idempotencySettings(options: IdempotencyStore | IdempotencyOptions): Required<IdempotencyOptions> {
  if (typeof options !== 'object' || options === null) throw new TypeError(missing)
  // First, because a store of somebody's own may have a member of that name.
  const given: IdempotencyOptions = isIdempotencyStore(options) ? { store: options } : options
  const { store, keyOf = (webhook: VerifiedWebhook) => webhook.eventId, ...rest } = given
  assertStore(store)
  for (const name of Object.keys(rest)) {
    if (!known.has(name)) throw new TypeError(`createReceiver: idempotency has no option ${JSON.stringify(name)}.`)
  }
  if (typeof keyOf !== 'function') throw new TypeError('createReceiver: idempotency.keyOf must be a function.')
  const retrySpanMs = integer('retrySpanMs', rest.retrySpanMs ?? 272_105_000, 0, maxKeepMs)
  const keepMs = integer('keepMs', rest.keepMs ?? 345_600_000, 1, maxKeepMs)
  if (keepMs < retrySpanMs) {
    throw new RangeError(
      `createReceiver: idempotency.keepMs (${keepMs}) is shorter than the ${retrySpanMs} ms over which the sender repeats an event, ` +
        'so a late repeat would be worked on again: raise it, or set retrySpanMs to what your sender does.',
    )
  }
  return {
    store,
    keepMs,
    retrySpanMs,
    leaseMs: integer('leaseMs', rest.leaseMs ?? 60_000, 1, 86_400_000),
    whenInFlight: choice('whenInFlight', rest.whenInFlight ?? 'conflict', ['conflict', 'wait']),
    waitMs: integer('waitMs', rest.waitMs ?? 10_000, 1, 60_000),
    whenStoreFails: choice('whenStoreFails', rest.whenStoreFails ?? 'reject', ['reject', 'process']),
    storeTimeoutMs: integer('storeTimeoutMs', rest.storeTimeoutMs ?? 5_000, 1, 60_000),
    keyOf,
  }
}

// A year: longer than any sender repeats.
const maxKeepMs = 31_536_000_000

const known = new Set<string>([
  'keepMs',
  'retrySpanMs',
  'leaseMs',
  'whenInFlight',
  'waitMs',
  'whenStoreFails',
  'storeTimeoutMs',
] satisfies (keyof IdempotencyOptions)[])

const missing =
  'createReceiver needs { idempotency }: pass a store such as sqliteIdempotency(path), or write ' +
  "idempotency: 'none' where every handler may run twice for one event."

function assertStore(store: unknown): asserts store is IdempotencyStore {
  if (!isIdempotencyStore(store)) throw new TypeError(missing)
}

function integer(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw new RangeError(
    `createReceiver: idempotency.${name} must be a whole number from ${min} to ${max}, not ${String(value)}.`,
  )
}

function choice<Choice extends string>(name: string, value: unknown, choices: readonly Choice[]): Choice {
  const chosen = choices.find((candidate) => candidate === value)
  if (chosen !== undefined) return chosen
  throw new TypeError(`createReceiver: idempotency.${name} must be '${choices.join("' or '")}', not ${String(value)}.`)
}

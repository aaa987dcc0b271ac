import type { Clock } from '../domain/clock.ts'
import { problemResponse } from './problem.ts'

/** How much one tenant may do through the management API; `Infinity` lifts a limit. */
export interface TenantLimits {
  /** The most webhooks at a time; 100 unless given. Each process counts for itself before it creates: several may pass it by one each. */
  readonly webhooks?: number
  /** The most tries to create a webhook in a minute, in one process; 60 unless given. */
  readonly creationsPerMinute?: number
  /** The most test deliveries in a minute, in one process; 30 unless given: each makes a request to an address of the tenant's choice. */
  readonly testsPerMinute?: number
  /** The most requests with an `Idempotency-Key` in a minute, in one process; 120 unless given: each leaves an answer of up to 64 KiB for 24 hours. */
  readonly keyedPerMinute?: number
}

/** The limits of every tenant, filled in. */
export type CheckedLimits = Required<TenantLimits>

/** Checks the limits and fills in the defaults; throws TypeError or RangeError that names the one that is wrong. */
export function checkLimits(limits: TenantLimits = {}): CheckedLimits {
  if (typeof limits !== 'object' || limits === null) throw new TypeError('limits must be an object.')
  const { webhooks = 100, creationsPerMinute = 60, testsPerMinute = 30, keyedPerMinute = 120, ...unknown } = limits
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) throw new TypeError(`limits has no member ${JSON.stringify(stranger)}.`)
  const checked = { webhooks, creationsPerMinute, testsPerMinute, keyedPerMinute }
  for (const [name, value] of Object.entries(checked)) {
    if (typeof value !== 'number') throw new TypeError(`limits.${name} must be a number, not ${typeof value}.`)
    const isRight = value === Infinity || (Number.isSafeInteger(value) && value >= 0)
    if (!isRight) throw new RangeError(`limits.${name} must be a whole number from 0, or Infinity, not ${value}.`)
  }
  return checked
}

/** Answers 429 for a tenant who has all the webhooks that it may have. */
export function tooManyWebhooks(limit: number): Response {
  const detail = `The tenant has the ${limit} webhooks that it may have: delete one first, or ask for more.`
  return problemResponse('LIMIT_REACHED', detail, [], { 'retry-after': '60' })
}

interface Bucket {
  tokens: number
  filledAtMs: number
}

const minuteMs = 60_000
// Tenants who did something within the last minutes. One who is dropped starts with a full bucket.
const maxTenants = 10_000

/** Counts what each tenant does in a minute: a bucket that fills evenly, so that a burst of a whole minute's worth is let through. */
export class RateLimit {
  readonly #what: string
  readonly #perMinute: number
  readonly #clock: Clock
  readonly #buckets = new Map<string, Bucket>()

  constructor(what: string, perMinute: number, clock: Clock) {
    this.#what = what
    this.#perMinute = perMinute
    this.#clock = clock
  }

  /** Counts one; null where it is allowed, otherwise the answer that says when to come back. */
  take(tenantId: string): Response | null {
    if (this.#perMinute === Infinity) return null
    const bucket = this.#filled(tenantId)
    if (bucket.tokens >= 1) {
      bucket.tokens--
      return null
    }
    const waitMs = this.#perMinute === 0 ? minuteMs : ((1 - bucket.tokens) * minuteMs) / this.#perMinute
    const detail = `The tenant may make ${this.#perMinute} ${this.#what} a minute: come back later.`
    return problemResponse('RATE_LIMITED', detail, [], { 'retry-after': String(Math.ceil(waitMs / 1000)) })
  }

  #filled(tenantId: string): Bucket {
    const nowMs = this.#clock()
    const bucket = this.#buckets.get(tenantId) ?? { tokens: this.#perMinute, filledAtMs: nowMs }
    // A clock that was set back fills nothing.
    const sinceMs = Math.max(0, nowMs - bucket.filledAtMs)
    bucket.tokens = Math.min(this.#perMinute, bucket.tokens + (sinceMs * this.#perMinute) / minuteMs)
    bucket.filledAtMs = nowMs
    this.#buckets.delete(tenantId)
    if (this.#buckets.size >= maxTenants) this.#buckets.delete(this.#buckets.keys().next().value ?? '')
    this.#buckets.set(tenantId, bucket)
    return bucket
  }
}

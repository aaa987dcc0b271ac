import type { Clock } from '../domain/clock.ts'
import { PosthornError } from '../domain/error.ts'
import { defaultMaxInFlight } from '../registry/webhook-fields.ts'
import { problemResponse } from './problem.ts'

/** How much one tenant may do through the management API; `Infinity` lifts a limit. */
export interface TenantLimits {
  /** The most webhooks at a time; 100 unless given. Each process counts for itself before it creates: several may pass it by one each. */
  readonly webhooks?: number
  /** The most tries to create a webhook in a minute, in one process; 60 unless given. */
  readonly creationsPerMinute?: number
  /**
   * The highest `maxInFlight` that a tenant may give a webhook, from 1; 10 unless given. One that hangs holds so many of the dispatcher's
   * `concurrency` (64) until they time out.
   */
  readonly maxInFlight?: number
  /** The most test deliveries in a minute, in one process; 30 unless given: each makes a request to an address of the tenant's choice. */
  readonly testsPerMinute?: number
  /** The most deliveries sent again in a minute, in one process; 60 unless given: each is a new round of attempts, with a record of each. */
  readonly resendsPerMinute?: number
  /** The most requests with an `Idempotency-Key` in a minute, in one process; 120 unless given: each leaves an answer of up to 64 KiB for 24 hours. */
  readonly keyedPerMinute?: number
}

/** The limits of every tenant, filled in. */
export type CheckedLimits = Required<TenantLimits>

/** Checks the limits and fills in the defaults; throws TypeError or RangeError that names the one that is wrong. */
export function checkLimits(limits: TenantLimits = {}): CheckedLimits {
  if (typeof limits !== 'object' || limits === null) throw new TypeError('limits must be an object.')
  const {
    webhooks = 100,
    creationsPerMinute = 60,
    maxInFlight = 10,
    testsPerMinute = 30,
    resendsPerMinute = 60,
    keyedPerMinute = 120,
    ...unknown
  } = limits
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) throw new TypeError(`limits has no member ${JSON.stringify(stranger)}.`)
  const checked = { webhooks, creationsPerMinute, maxInFlight, testsPerMinute, resendsPerMinute, keyedPerMinute }
  for (const [name, value] of Object.entries(checked)) {
    if (typeof value !== 'number') throw new TypeError(`limits.${name} must be a number, not ${typeof value}.`)
    const isRight = value === Infinity || (Number.isSafeInteger(value) && value >= 0)
    if (!isRight) throw new RangeError(`limits.${name} must be a whole number from 0, or Infinity, not ${value}.`)
  }
  if (maxInFlight < 1) throw new RangeError('limits.maxInFlight must be 1 or more: without one nothing is delivered.')
  return checked
}

/** Gives the body of a request that writes a webhook within the limit; throws `VALIDATION_FAILED` where it asks for more. */
export function withinMaxInFlight(body: unknown, most: number, isWhole: boolean): unknown {
  if (most === Infinity || typeof body !== 'object' || body === null || Array.isArray(body)) return body
  const asked: unknown = Reflect.get(body, 'maxInFlight')
  // What is left out becomes the registry's default, which may be more.
  if (asked === undefined) return isWhole ? { ...body, maxInFlight: Math.min(most, defaultMaxInFlight) } : body
  if (typeof asked !== 'number' || asked <= most) return body
  const issues = [{ path: 'maxInFlight', message: `must be at most ${most}` }]
  throw new PosthornError('VALIDATION_FAILED', 'The webhook is not valid: see issues.', { issues })
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

import type { AttemptErrorCode } from '../domain/delivery.ts'

/** How failed attempts are retried within one round: p-retry's own options, seconds apart. */
export interface RetryOptions {
  /** Retries after the first attempt of a round, 0 to 20; 3 unless given, so that 4 requests are made. */
  readonly retries?: number
  /** The wait before the first retry, in milliseconds; 1,000 unless given. */
  readonly minTimeout?: number
  /** The longest wait, in milliseconds; no bound of its own unless given. */
  readonly maxTimeout?: number
  /** How much longer each wait is than the one before, at least 1; 2 unless given. */
  readonly factor?: number
  /** Whether each wait is multiplied by a random number from 1 to 2; true unless given. */
  readonly randomize?: boolean
  /** Asked after each failed attempt, 410 excepted; false ends the delivery as `failed` (`rejected`). Every failure is retried unless given. */
  readonly shouldRetry?: (failure: AttemptFailure) => boolean | Promise<boolean>
}

/** What {@link RetryOptions.shouldRetry} is asked about. */
export interface AttemptFailure {
  /** HTTP status, or null where no response came back. */
  readonly status: number | null
  /** Why no response came back, or null where one did. */
  readonly error: AttemptErrorCode | null
  /** The number of the attempt since the dispatch or the last resend, from 1. */
  readonly attemptNumber: number
}

/** Retry options with every default filled in. */
export interface RetryPolicy {
  /** See {@link RetryOptions.retries}. */
  readonly retries: number
  /** See {@link RetryOptions.minTimeout}. */
  readonly minTimeout: number
  /** See {@link RetryOptions.maxTimeout}. */
  readonly maxTimeout: number
  /** See {@link RetryOptions.factor}. */
  readonly factor: number
  /** See {@link RetryOptions.randomize}. */
  readonly randomize: boolean
  /** See {@link RetryOptions.shouldRetry}. */
  readonly shouldRetry: (failure: AttemptFailure) => boolean | Promise<boolean>
  /** The durable waits between rounds, in milliseconds. */
  readonly schedule: readonly number[]
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute

const maxRoundMs = 30 * second
const maxScheduleWaitMs = 30 * 24 * hour
const known = new Set(['retries', 'minTimeout', 'maxTimeout', 'factor', 'randomize', 'shouldRetry'])

/**
 * The durable waits that Standard Webhooks recommends, in milliseconds: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h
 * (75 hours in all; spec, "Sending webhooks", retry schedule).
 */
export const standardSchedule: readonly number[] = Object.freeze([
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
])

/** The policy of test deliveries: one attempt, because somebody waits for the answer. */
export const singleAttempt: RetryPolicy = retryPolicy({ retries: 0 }, [])

/** Checks retry options and fills in the defaults. */
export function retryPolicy(retry: RetryOptions = {}, schedule: readonly number[] = []): RetryPolicy {
  for (const name of Object.keys(retry)) {
    if (!known.has(name)) throw new TypeError(`retry.${name} is not an option; known are ${[...known].join(', ')}.`)
  }
  const policy: RetryPolicy = {
    retries: inRange('retry.retries', retry.retries ?? 3, 0, 20, true),
    minTimeout: inRange('retry.minTimeout', retry.minTimeout ?? 1000, 0, maxRoundMs),
    maxTimeout: retry.maxTimeout === undefined ? Infinity : inRange('retry.maxTimeout', retry.maxTimeout, 0, Infinity),
    factor: inRange('retry.factor', retry.factor ?? 2, 1, 100),
    randomize: isBoolean('retry.randomize', retry.randomize ?? true),
    shouldRetry: isFunction('retry.shouldRetry', retry.shouldRetry ?? (() => true)),
    schedule: checkSchedule(schedule),
  }
  const longest = longestRoundMs(policy)
  if (longest > maxRoundMs) {
    throw new RangeError(
      `The waits inside a round may sum to ${longest} ms; at most ${maxRoundMs} ms are held in memory: lower retry.retries, ` +
        'minTimeout or factor, and put the longer waits into schedule, which storage keeps.',
    )
  }
  return Object.freeze(policy)
}

/** The wait after the `nth` attempt of a round before randomizing, in milliseconds, as p-retry computes it. */
export function roundWaitMs(policy: RetryPolicy, nth: number): number {
  return Math.min(policy.minTimeout * policy.factor ** (nth - 1), policy.maxTimeout)
}

/** How many attempts a round has. */
export function attemptsPerRound(policy: RetryPolicy): number {
  return policy.retries + 1
}

function longestRoundMs(policy: RetryPolicy): number {
  const stretch = policy.randomize ? 2 : 1
  let sum = 0
  for (let nth = 1; nth <= policy.retries; nth++) {
    sum += Math.min(stretch * policy.minTimeout * policy.factor ** (nth - 1), policy.maxTimeout)
  }
  return sum
}

function checkSchedule(schedule: readonly number[]): readonly number[] {
  if (!Array.isArray(schedule)) throw new TypeError('schedule must be an array of milliseconds.')
  if (schedule.length > 100) throw new RangeError(`schedule has ${schedule.length} waits; at most 100 are possible.`)
  return Object.freeze(schedule.map((wait, index) => inRange(`schedule[${index}]`, wait, 0, maxScheduleWaitMs)))
}

function inRange(name: string, value: unknown, min: number, max: number, isInteger = false): number {
  if (typeof value !== 'number' || Number.isNaN(value))
    throw new TypeError(`${name} must be a number, not ${String(value)}.`)
  if (value < min || value > max || (isInteger && !Number.isInteger(value))) {
    throw new RangeError(`${name} must be ${isInteger ? 'an integer ' : ''}from ${min} to ${max}, not ${value}.`)
  }
  return value
}

function isBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false, not ${String(value)}.`)
  return value
}

function isFunction<F>(name: string, value: F): F {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function, not ${String(value)}.`)
  return value
}

import type { Outcome } from '../domain/outcome.ts'
import { parseRetryAfter } from './retry-after.ts'
import { attemptsPerRound, roundWaitMs, type RetryPolicy } from './retry-policy.ts'

/** Why a delivery failed for good. */
export type FailureReason =
  'exhausted' | 'gone' | 'rejected' | 'invalid_url' | 'invalid_secret' | 'payload_gone' | 'poisoned'

/**
 * What happens after an attempt.
 *
 * - `succeeded`: the receiver answered 2xx.
 * - `failed`: no further attempt; `disablesWebhook` after a 410.
 * - `retry_in_round`: p-retry waits and makes the next attempt; about `waitMs`.
 * - `retry_later`: the delivery is parked in storage for `waitMs`.
 *
 * `gateMs` holds back the whole webhook, because its receiver asked for time.
 */
export type Decision =
  | { readonly next: 'succeeded' }
  | {
      readonly next: 'failed'
      readonly reason: FailureReason
      readonly disablesWebhook: boolean
      readonly gateMs: number | null
    }
  | { readonly next: 'retry_in_round'; readonly waitMs: number }
  | { readonly next: 'retry_later'; readonly waitMs: number; readonly gateMs: number | null }

/** What a decision rests on beside the outcome. */
export interface DecisionContext {
  /** Attempts since the dispatch or the last resend, this one included. */
  readonly attempts: number
  /** The retry policy. */
  readonly policy: RetryPolicy
  /** Whether the policy lets this failure be retried. */
  readonly isRetryable: boolean
  /** Whether one more round may wait in memory; otherwise its wait is parked in storage. */
  readonly canWaitInRound: boolean
  /** The time, in milliseconds since the epoch. */
  readonly nowMs: number
  /** From 0 to 1. */
  readonly random: number
}

/**
 * Decides what follows an attempt. The place within rounds and schedule is counted from the attempts alone, so that a round
 * which was cut short by a crash or parked goes on where it stood, and never makes more attempts than the policy allows.
 */
export function decide(outcome: Outcome, context: DecisionContext): Decision {
  const { attempts, policy } = context
  if (outcome.error === 'invalid_url' || outcome.error === 'invalid_secret') return failed(outcome.error)
  if (isSuccess(outcome)) return { next: 'succeeded' }
  if (outcome.status === 410) return { ...failed('gone'), disablesWebhook: true }

  const retryAfterMs = askedToWaitMs(outcome, context.nowMs)
  if (!context.isRetryable) return failed('rejected', retryAfterMs)
  const placeInRound = attempts % attemptsPerRound(policy)
  if (placeInRound > 0) return retryWithin(roundWaitMs(policy, placeInRound), retryAfterMs, context)

  const wait = policy.schedule[attempts / attemptsPerRound(policy) - 1]
  if (wait === undefined) return failed('exhausted', retryAfterMs)
  const waitMs = Math.max(withJitter(wait, context.random), retryAfterMs ?? 0)
  return { next: 'retry_later', waitMs, gateMs: retryAfterMs }
}

/** Says whether the policy is asked about an outcome: whether it is a failure that could be retried. */
export function mayBeRetried(outcome: Outcome): boolean {
  const isUnsendable = outcome.error === 'invalid_url' || outcome.error === 'invalid_secret'
  return !isUnsendable && !isSuccess(outcome) && outcome.status !== 410
}

function isSuccess({ status }: Outcome): boolean {
  return status !== null && status >= 200 && status < 300
}

function failed(reason: FailureReason, gateMs: number | null = null) {
  return { next: 'failed', reason, disablesWebhook: false, gateMs } as const
}

function retryWithin(waitMs: number, retryAfterMs: number | null, context: DecisionContext): Decision {
  if (retryAfterMs !== null && retryAfterMs > waitMs) {
    return { next: 'retry_later', waitMs: retryAfterMs, gateMs: retryAfterMs }
  }
  if (context.canWaitInRound) return { next: 'retry_in_round', waitMs }
  const stretch = context.policy.randomize ? 1 + context.random : 1
  const parkedMs = Math.min(Math.round(waitMs * stretch), context.policy.maxTimeout)
  return { next: 'retry_later', waitMs: parkedMs, gateMs: null }
}

// A receiver that is overloaded or throttling says when to come back (RFC 6585, 4 and RFC 9110, 15.6.4).
function askedToWaitMs(outcome: Outcome, nowMs: number): number | null {
  if (outcome.status !== 429 && outcome.status !== 503) return null
  return parseRetryAfter(outcome.headers['retry-after'], nowMs)
}

// Up to a tenth more, so that deliveries which failed together do not come back together.
function withJitter(waitMs: number, random: number): number {
  return Math.round(waitMs * (1 + random / 10))
}

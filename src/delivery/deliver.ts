import pRetry from 'p-retry'
import type { Clock } from '../domain/clock.ts'
import type { Attempt, AttemptErrorCode, DeliveryState } from '../domain/delivery.ts'
import { testEventType } from '../domain/event-type.ts'
import type { DeliveryRef } from '../domain/lifecycle.ts'
import type { Outcome } from '../domain/outcome.ts'
import { mayOpenLater } from '../registry/vault.ts'
import type { LeaseRef, NewAttempt, Settled, Settlement } from '../storage/settlement.ts'
import type { Claimed, StoredWebhook } from '../storage/storage.ts'
import { decide, mayBeRetried, type Decision, type FailureReason } from './decide.ts'
import type { Hold, Leases } from './leases.ts'
import type { LifecycleEmitter } from './lifecycle-emitter.ts'
import { requestHeaders, withoutEchoes } from './request-headers.ts'
import { attemptsPerRound, roundWaitMs, type RetryPolicy } from './retry-policy.ts'
import type { SendRequest, Sender } from './send.ts'
import type { AttemptHeaders, Signatures } from './signatures.ts'
import type { Slots } from './slots.ts'

/** What the rounds of a worker share. */
export interface Pipeline {
  readonly sender: Sender
  readonly signatures: Signatures
  readonly slots: Slots
  readonly leases: Leases
  readonly lifecycle: LifecycleEmitter
  readonly policyFor: (claimed: Claimed) => RetryPolicy
  readonly userAgent: string
  readonly leaseMs: number
  readonly clock: Clock
  readonly random: () => number
  /** Aborted when the worker stops: no attempt is begun after it, and no wait goes on. */
  readonly shutdown: AbortSignal
  /** Writes a step; null where the lease was lost. Rejects only when storage stayed away for long. */
  readonly settle: (settlement: Settlement, tenantId: string) => Promise<Settled | null>
  /** Reads the webhook as it is now, or was a moment ago; null where it is gone. */
  readonly webhookNow: (claimed: Claimed) => Promise<StoredWebhook | null>
  /** Whether one more round may wait in memory. */
  readonly canWait: () => boolean
  /** Told when a round begins and ends to wait between two attempts. */
  readonly onWaiting: (isWaiting: boolean) => void
  /** Disables a webhook whose receiver answered 410. Never rejects. */
  readonly disableWebhook: (called: StoredWebhook) => Promise<void>
  /** Holds back every claim of a webhook whose receiver asked for time. Never rejects. */
  readonly gate: (called: StoredWebhook, forMs: number) => Promise<void>
}

/** How a round ended: the delivery's state, or `released` unsent, or `lost` to another worker; with its last attempt. */
export interface RoundResult {
  readonly state: DeliveryState | 'released' | 'lost'
  readonly attempt: Attempt | null
}

// How long what a claim has read of a webhook is taken for what it is.
const freshForMs = 1_000
// How long a webhook whose secrets cannot be opened now is held back: a KMS that is away is asked a few times a minute for each.
const keyAwayMs = 5_000

// A holder that dies before its attempt is recorded leaves a claim and nothing else, whatever killed it. So many that a process which dies at
// every start, for a reason of its own, is noticed long before the deliveries that it held are given up.
const maxClaimsWithoutAttempt = 30

/**
 * Makes one round: the attempts that one claim allows, seconds apart.
 *
 * held ─attempt→ settled as succeeded | failed | retry (parked) | cancelled
 *   └───attempt→ continue ─wait→ attempt …
 *   └─shutdown→ released          any write with a lost lease → lost, nothing written
 */
export async function deliver(claimed: Claimed, hold: Hold, pipeline: Pipeline): Promise<RoundResult> {
  const round = new Round(claimed, hold, pipeline)
  if (claimed.claimCount > maxClaimsWithoutAttempt) return await round.fail('poisoned')
  if (claimed.event.body === null) return await round.fail('payload_gone')
  try {
    // Nearly every round ends with its first attempt; p-retry is set up for the others.
    return (await round.attempt()) ?? (await goOn(round, claimed, pipeline))
  } catch (error) {
    // p-retry throws at shutdown, also after the last write.
    if (round.result !== null) return round.result
    if (!pipeline.shutdown.aborted) throw error
    return await round.giveBack()
  }
}

// The first attempt has been made: to p-retry it is the one that has failed.
function goOn(round: Round, { attemptCount, attemptsBefore }: Claimed, pipeline: Pipeline): Promise<RoundResult> {
  const policy = round.policy
  const place = (attemptCount - attemptsBefore) % attemptsPerRound(policy)
  const attempt = async (number: number) => {
    const result = number === 1 ? null : await round.attempt()
    if (result === null) throw new NextAttempt()
    return result
  }
  return pRetry(attempt, {
    retries: policy.retries - place,
    // A round that was cut short goes on with the wait that comes next.
    minTimeout: roundWaitMs({ ...policy, maxTimeout: Infinity }, place + 1),
    maxTimeout: policy.maxTimeout,
    factor: policy.factor,
    randomize: policy.randomize,
    signal: pipeline.shutdown,
    shouldRetry: ({ error }) => error instanceof NextAttempt,
  })
}

/** Thrown to p-retry where another attempt of the same round follows. */
class NextAttempt extends Error {}

class Round {
  /** Set once the delivery is no longer held. */
  result: RoundResult | null = null
  readonly policy: RetryPolicy
  readonly #claimed: Claimed
  readonly #hold: Hold
  readonly #pipeline: Pipeline
  #webhook: StoredWebhook
  #readAt = performance.now()
  #attemptCount: number
  #isWaiting = false
  #nextWaitMs = 0
  /** What was met and could not be recorded yet. */
  #unrecorded: Settlement | null = null

  constructor(claimed: Claimed, hold: Hold, pipeline: Pipeline) {
    this.#claimed = claimed
    this.#hold = hold
    this.#pipeline = pipeline
    this.policy = pipeline.policyFor(claimed)
    this.#webhook = claimed.webhook
    this.#attemptCount = claimed.attemptCount
  }

  /** Makes one attempt; null where another one follows. */
  async attempt(): Promise<RoundResult | null> {
    this.#setWaiting(false)
    const outcome = await this.#sendInSlot()
    if (outcome === 'lost') return this.#end('lost', null)
    if (outcome === 'inactive') return await this.release()
    if (outcome.error === 'aborted') return await this.release()
    const attempt = this.#newAttempt(outcome)
    const decision = mayBeRetried(outcome)
      ? await this.#decideAfterFailure(outcome, attempt)
      : this.#decide(outcome, attempt, true)
    const settlement = settlementOf(this.#claimed, decision, attempt, this.#pipeline.leaseMs)
    this.#unrecorded = settlement
    const askedAt = performance.now()
    const settled = await this.#settle(settlement)
    this.#unrecorded = null
    if (settled === null) return this.#end('lost', null)
    this.#attemptCount = attempt.number
    if (decision.next === 'succeeded') return this.#followSuccess(settled, attempt)
    this.#hold.renewedAt = askedAt
    return await this.#follow(decision, settled, attempt)
  }

  /** Ends the round at shutdown: what was met is recorded after all, or the delivery is given back. */
  async giveBack(): Promise<RoundResult> {
    if (this.#unrecorded === null) return await this.release()
    const settled = await this.#settle(this.#unrecorded)
    return this.#end(settled === null ? 'lost' : settled.state, null)
  }

  /** Gives the delivery back unsent; it is due again when its wait is over. */
  async release(): Promise<RoundResult> {
    this.#setWaiting(false)
    const settled = await this.#settle({ ...this.#lease(), outcome: 'release', retryInMs: this.#nextWaitMs })
    if (settled === null) return this.#end('lost', null)
    return this.#end(settled.state === 'cancelled' ? 'cancelled' : 'released', null)
  }

  /** Ends the delivery without an attempt. */
  async fail(reason: FailureReason): Promise<RoundResult> {
    const settled = await this.#settle({ ...this.#lease(), outcome: 'failed', reason })
    if (settled === null) return this.#end('lost', null)
    this.#pipeline.lifecycle.emit('delivery.failed', { ...this.#ref(), attempt: null, reason })
    return this.#end('failed', null)
  }

  #settle(settlement: Settlement): Promise<Settled | null> {
    return this.#pipeline.settle(settlement, this.#claimed.webhook.tenantId)
  }

  // While a round waits for its turn its lease may be lost, and its webhook disabled.
  async #sendInSlot(): Promise<Outcome | 'lost' | 'inactive'> {
    const { leases, sender, shutdown, slots } = this.#pipeline
    if (!slots.tryTake()) await slots.take(this.#isUrgent)
    try {
      shutdown.throwIfAborted()
      const isActive = performance.now() - this.#readAt < freshForMs || (await this.#readWebhook())
      if (leases.isLost(this.#hold)) return 'lost'
      if (!isActive) return 'inactive'
      const signing = this.#sign()
      const made = signing instanceof Promise ? await signing : signing
      return 'error' in made ? made : this.#met(await sender.send(this.#requestOf(made)), made)
    } finally {
      slots.giveBack()
    }
  }

  // Somebody waits for a test, and what has waited between two attempts has waited enough.
  get #isUrgent(): boolean {
    return this.#claimed.event.type === testEventType || this.#attemptCount > this.#claimed.attemptCount
  }

  // The owner may have changed URL or secrets since the claim. False where the webhook is gone or not active, or cannot be read: the
  // delivery then goes back, which is tried for as long as storage is away, and is not left to wait until its lease runs out.
  async #readWebhook(): Promise<boolean> {
    const readAt = performance.now()
    try {
      const webhook = await this.#pipeline.webhookNow(this.#claimed)
      if (webhook?.isActive !== true) return false
      this.#webhook = webhook
      this.#readAt = readAt
      return true
    } catch (error) {
      this.#pipeline.lifecycle.emit('worker.error', { error, during: `reading webhook ${this.#webhook.id}` })
      return false
    }
  }

  // At once where the keys are at hand; an outcome where it cannot be signed.
  #sign(): AttemptHeaders | Promise<AttemptHeaders | Outcome> {
    const { clock, signatures } = this.#pipeline
    const { event } = this.#claimed
    try {
      const signing = signatures.headers(event, event.body ?? '', this.#webhook, clock())
      return signing instanceof Promise ? signing.catch((error: unknown) => this.#unsigned(error)) : signing
    } catch (error) {
      return this.#unsigned(error)
    }
  }

  async #unsigned(error: unknown): Promise<Outcome> {
    const during = `signing for webhook ${this.#webhook.id}`
    this.#pipeline.lifecycle.emit('worker.error', { error, during })
    return mayOpenLater(error) ? await this.#heldBack() : unsent('invalid_secret', this.#pipeline.clock)
  }

  #requestOf({ signed, custom }: AttemptHeaders): SendRequest {
    const { event } = this.#claimed
    signed['content-type'] = event.contentType
    signed['user-agent'] = this.#pipeline.userAgent
    return { url: this.#webhook.url, headers: requestHeaders(custom, signed), body: event.body ?? '' }
  }

  #met(outcome: Outcome, { echoes }: AttemptHeaders): Outcome {
    if (outcome.error !== null && outcome.block) {
      const { code, reason } = outcome.block
      this.#pipeline.lifecycle.emit('delivery.blocked', { ...this.#ref(), rule: code, detail: reason })
    }
    return withoutEchoes(outcome, echoes)
  }

  // Nothing is wrong with the delivery: it goes back unsent, and with it all that waits for the webhook.
  async #heldBack(): Promise<Outcome> {
    const { clock, gate, random } = this.#pipeline
    this.#nextWaitMs = Math.round(keyAwayMs * (1 + random()))
    await gate(this.#webhook, keyAwayMs)
    return unsent('aborted', clock)
  }

  async #decideAfterFailure(outcome: Outcome, attempt: NewAttempt): Promise<Decision> {
    return this.#decide(outcome, attempt, await this.#isRetryable(outcome, this.#attemptsSinceStart(attempt)))
  }

  #decide(outcome: Outcome, attempt: NewAttempt, isRetryable: boolean): Decision {
    const { clock, random, canWait, shutdown } = this.#pipeline
    return decide(outcome, {
      attempts: this.#attemptsSinceStart(attempt),
      policy: this.policy,
      isRetryable,
      canWaitInRound: !shutdown.aborted && canWait(),
      nowMs: clock(),
      random: random(),
    })
  }

  // Since the dispatch or the last resend.
  #attemptsSinceStart({ number }: NewAttempt): number {
    return number - this.#claimed.attemptsBefore
  }

  async #isRetryable({ status, error }: Outcome, attemptNumber: number): Promise<boolean> {
    try {
      return await this.policy.shouldRetry({ status, error, attemptNumber })
    } catch (thrown) {
      // The host's function threw: the failure is treated as any other.
      this.#pipeline.lifecycle.emit('worker.error', { error: thrown, during: 'retry.shouldRetry' })
      return true
    }
  }

  #followSuccess(settled: Settled, made: NewAttempt): RoundResult {
    const { lifecycle } = this.#pipeline
    const attempt = this.#attemptOf(made)
    if (lifecycle.has('delivery.attempted'))
      lifecycle.emit('delivery.attempted', { ...this.#ref(), attempt, nextAttemptInMs: null })
    if (settled.state === 'succeeded' && lifecycle.has('delivery.succeeded'))
      lifecycle.emit('delivery.succeeded', { ...this.#ref(), attempt })
    return this.#end(settled.state, attempt)
  }

  // Null where another attempt of the round follows.
  async #follow(decision: Decision, settled: Settled, made: NewAttempt): Promise<RoundResult | null> {
    const { lifecycle } = this.#pipeline
    const attempt = this.#attemptOf(made)
    const goesOn = settled.state === 'pending' && 'waitMs' in decision
    if (lifecycle.has('delivery.attempted')) {
      const nextAttemptInMs = goesOn ? decision.waitMs : null
      lifecycle.emit('delivery.attempted', { ...this.#ref(), attempt, nextAttemptInMs })
    }
    if (decision.next === 'retry_in_round' && goesOn) {
      this.#nextWaitMs = decision.waitMs
      this.#setWaiting(true)
      return null
    }
    if ('gateMs' in decision && decision.gateMs !== null) await this.#pipeline.gate(this.#webhook, decision.gateMs)
    if (decision.next === 'failed' && decision.disablesWebhook) await this.#pipeline.disableWebhook(this.#webhook)
    if (decision.next === 'failed' && settled.state === 'failed')
      lifecycle.emit('delivery.failed', { ...this.#ref(), attempt, reason: decision.reason })
    return this.#end(settled.state, attempt)
  }

  #end(state: RoundResult['state'], attempt: Attempt | null): RoundResult {
    if (state === 'cancelled') this.#pipeline.lifecycle.emit('delivery.cancelled', this.#ref())
    if (state === 'lost') this.#pipeline.lifecycle.emit('delivery.lost', this.#ref())
    this.result = { state, attempt }
    return this.result
  }

  #setWaiting(isWaiting: boolean): void {
    if (this.#isWaiting === isWaiting) return
    this.#isWaiting = isWaiting
    this.#pipeline.onWaiting(isWaiting)
  }

  #newAttempt(outcome: Outcome): NewAttempt {
    const hasResponse = outcome.status !== null
    return {
      number: this.#attemptCount + 1,
      trigger: this.#claimed.trigger,
      startedAt: outcome.startedAt,
      durationMs: outcome.durationMs,
      status: outcome.status,
      error: outcome.error,
      responseHeaders: hasResponse ? outcome.headers : null,
      responseBody: hasResponse ? outcome.body : null,
    }
  }

  #attemptOf(made: NewAttempt): Attempt {
    return { ...made, deliveryId: this.#claimed.id }
  }

  #lease() {
    return { id: this.#claimed.id, lease: this.#claimed.lease }
  }

  #ref(): DeliveryRef {
    const { id, event, webhook } = this.#claimed
    return { deliveryId: id, eventId: event.id, type: event.type, webhookId: webhook.id, tenantId: webhook.tenantId }
  }
}

function unsent(error: AttemptErrorCode, clock: Clock): Outcome {
  return { startedAt: new Date(clock()), durationMs: 0, status: null, error }
}

function settlementOf({ id, lease }: LeaseRef, decision: Decision, attempt: NewAttempt, leaseMs: number): Settlement {
  switch (decision.next) {
    case 'succeeded':
      return { id, lease, outcome: 'succeeded', attempt }
    case 'failed':
      return { id, lease, outcome: 'failed', attempt, reason: decision.reason }
    case 'retry_in_round':
      return { id, lease, outcome: 'continue', attempt, leaseMs }
    case 'retry_later':
      return { id, lease, outcome: 'retry', attempt, retryInMs: decision.waitMs }
  }
}

import { createHash, randomUUID } from 'node:crypto'
import { PosthornError } from '../domain/error.ts'
import type { Encryption, SealContext } from '../registry/encryption.ts'
import { askEncryption, mayOpenLater } from '../registry/vault.ts'
import { reserveInTime, storeInTime } from '../storage/idempotency-in-time.ts'
import type { IdempotencyStore, Reservation, ReserveResult } from '../storage/idempotency-store.ts'
import { again, answersKeptMs, conflict, fingerprintOf, keptAnswer } from './idempotency.ts'
import type { Idempotency, KeptAnswer, KeyedRequest } from './idempotency.ts'
import { problemResponse } from './problem.ts'

// Longer than the slowest request: a test delivery may take 300 s. For so long a key is closed where its process died.
const leaseMs = 360_000
const storeTimeoutMs = 5_000
const longestWaitMs = 10_000
const firstPauseMs = 20
const longestPauseMs = 500

/** Where answers are kept, and what seals them. */
export interface StoredIdempotencySettings {
  readonly store: IdempotencyStore
  readonly encryption: Encryption | 'none'
}

/**
 * Keeps answers in a store that several processes share. Answers are sealed, because those of create and rotate hold a secret; keys and
 * requests are digests. A process that dies between what it did and its answer leaves the key closed for 6 minutes; a repeat after that
 * does it again.
 */
export class StoredIdempotency implements Idempotency {
  readonly #store: IdempotencyStore
  readonly #encryption: Encryption | 'none'

  constructor({ store, encryption }: StoredIdempotencySettings) {
    this.#store = store
    this.#encryption = encryption
  }

  async once(request: KeyedRequest, run: () => Promise<Response>): Promise<Response> {
    const reservation = reservationOf(request)
    const found = await this.#reserve(reservation, request.signal)
    if (found.fingerprint !== reservation.fingerprint) {
      // Taken over from a process that died: whose request that was may still repeat it.
      if (found.status === 'reserved') await this.#release(reservation)
      throw conflict()
    }
    if (found.status === 'completed') return await this.#again(found.answer, reservation, request)
    if (found.status === 'in-flight') return inFlight(found.retryInMs)
    let response: Response
    try {
      response = await run()
    } catch (error) {
      await this.#giveBack(reservation, request)
      throw error
    }
    if (response.ok) await this.#keep(response, reservation, request)
    else await this.#giveBack(reservation, request)
    return response
  }

  async #reserve(reservation: Reservation, signal: AbortSignal): Promise<ReserveResult> {
    const giveUpAt = performance.now() + longestWaitMs
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const found = await reserveInTime(this.#store, reservation, storeTimeoutMs)
      const isOther = found.fingerprint !== reservation.fingerprint
      if (found.status !== 'in-flight' || isOther || performance.now() + pauseMs > giveUpAt) return found
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      signal.throwIfAborted()
    }
  }

  async #keep(response: Response, held: Reservation, request: KeyedRequest): Promise<void> {
    let answer: string | undefined
    try {
      answer = await this.#seal(JSON.stringify(await keptAnswer(response)), contextOf(held, request))
    } catch (error) {
      // What was done stays done: the key is closed without an answer, rather than left open for a repeat.
      request.onUnkept(error)
    }
    try {
      await storeInTime(this.#store, this.#store.complete(held, answersKeptMs, answer), storeTimeoutMs)
    } catch (error) {
      request.onUnkept(error)
    }
  }

  /** After a failure, which is what the caller has to learn of. */
  async #giveBack(held: Reservation, request: KeyedRequest): Promise<void> {
    try {
      await this.#release(held)
    } catch (error) {
      request.onUnkept(error)
    }
  }

  async #release(held: Reservation): Promise<void> {
    await storeInTime(this.#store, this.#store.release(held), storeTimeoutMs)
  }

  async #again(sealed: string | null, held: Reservation, request: KeyedRequest): Promise<Response> {
    if (sealed === null) throw answerLost()
    try {
      return again(readAnswer(await this.#open(sealed, contextOf(held, request))))
    } catch (error) {
      if (mayOpenLater(error)) throw error
      request.onUnkept(error)
      throw answerLost()
    }
  }

  async #seal(text: string, context: SealContext): Promise<string> {
    const encryption = this.#encryption
    return encryption === 'none' ? text : await askEncryption(() => encryption.seal(text, context))
  }

  async #open(sealed: string, context: SealContext): Promise<string> {
    const encryption = this.#encryption
    return encryption === 'none' ? sealed : await askEncryption(() => encryption.open(sealed, context))
  }
}

function reservationOf(request: KeyedRequest): Reservation {
  const id = createHash('sha256')
    .update(JSON.stringify([request.tenantId, request.key]))
    .digest('base64url')
  const fingerprint = fingerprintOf(request)
  return { scope: 'posthorn.api', id, lease: randomUUID(), leaseMs, keepMs: answersKeptMs, fingerprint, record: null }
}

function contextOf({ id }: Reservation, { tenantId }: KeyedRequest): SealContext {
  return { tenantId, webhookId: id, field: 'answer' }
}

function inFlight(retryInMs: number): Response {
  const detail = 'A request under this idempotency key is being worked on: repeat it later to get its answer.'
  // It is done long before its lease ends, unless its process died.
  const retryAfter = String(Math.min(5, Math.ceil(retryInMs / 1000)))
  return problemResponse('REQUEST_IN_FLIGHT', detail, [], { 'retry-after': retryAfter })
}

function answerLost(): PosthornError {
  return new PosthornError(
    'IDEMPOTENCY_CONFLICT',
    'The request under this idempotency key was done, and its answer cannot be given again: look at what it did, and use a new key.',
  )
}

function readAnswer(text: string): KeptAnswer {
  const read = parse(text)
  if (typeof read === 'object' && read !== null) {
    const { status, headers, body } = read as Partial<Record<string, unknown>> // any member may be missing
    const isRight = typeof status === 'number' && Array.isArray(headers) && headers.every(isPair)
    if (isRight && typeof body === 'string') return { status, headers, body }
  }
  throw new PosthornError('SECRET_UNREADABLE', 'A kept answer of the management API has no form of ours.')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // Answered by the caller's own error: the parser's would quote the text.
  }
}

function isPair(value: unknown): value is [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')
}

import { PosthornError } from '../../domain/error.ts'
import type {
  HeldReservation,
  IdempotencyStore,
  LapsedEvent,
  LapsedQuery,
  Reservation,
  ReservationKey,
  ReserveResult,
} from '../../storage/idempotency-store.ts'
import { type RedisClient, type SendCommand, toSendCommand } from './redis-client.ts'
import {
  claimLapsedScript,
  completeScript,
  type RedisScript,
  releaseScript,
  reserveScript,
  serverTime,
} from './redis-scripts.ts'

/** Options of {@link redisIdempotency}. */
export interface RedisIdempotencyOptions {
  /** What all keys begin with, 1 to 64 characters of `A-Z a-z 0-9 . _ : -`; `posthorn` unless given. */
  readonly prefix?: string
}

/**
 * Creates a store in Redis 5 or later, or Valkey, for any number of processes. Every operation is one script, judged by the server's
 * clock; the keys of one endpoint share a hash tag, so a cluster will do. The client is the caller's, who connects and closes it.
 *
 * Redis forgets what it acknowledged when it dies between two syncs of its file, or fails over to a replica that lags: an event may
 * then be handled twice, and with `acknowledge: 'after-store'` one of the last second may be lost unless `appendfsync` is `always`.
 * Its `maxmemory-policy` must be `noeviction` for the same reason.
 *
 * @throws TypeError for a wrong client or option.
 */
export function redisIdempotency(client: RedisClient, options: RedisIdempotencyOptions = {}): IdempotencyStore {
  const { prefix = 'posthorn' } = options
  if (typeof prefix !== 'string' || !/^[\w.:-]{1,64}$/.test(prefix)) {
    throw new TypeError('redisIdempotency: prefix must be 1 to 64 characters of A-Z a-z 0-9 . _ : -')
  }
  return new RedisIdempotency(toSendCommand(client), prefix)
}

/** The store itself; tests give it another clock. */
export class RedisIdempotency implements IdempotencyStore {
  readonly name = 'redis'
  readonly durability = 'server'
  readonly #send: SendCommand
  readonly #prefix: string
  readonly #now: () => string

  constructor(send: SendCommand, prefix: string, now = () => serverTime) {
    this.#send = send
    this.#prefix = prefix
    this.#now = now
  }

  async reserve(reservation: Reservation): Promise<ReserveResult> {
    const { id, lease, leaseMs, keepMs, fingerprint, record } = reservation
    const args = [lease, String(leaseMs), String(keepMs), fingerprint, id, record ?? '']
    const [status, first, last] = listOf(await this.#run(reserveScript, reservation, args))
    const [known, answer] = [String(first), String(last)]
    if (status === 'reserved') return { status, attempt: Number(last), fingerprint: known }
    if (status === 'in-flight') return { status, retryInMs: Number(last), fingerprint: known }
    if (status === 'completed') return { status, fingerprint: known, answer: last === null ? null : answer }
    throw unreadable()
  }

  async complete(held: HeldReservation, keepMs: number, answer?: string): Promise<boolean> {
    const args = [held.lease, String(keepMs), held.fingerprint, held.id, ...(answer === undefined ? [] : [answer])]
    return Number(await this.#run(completeScript, held, args)) === 1
  }

  async release(held: HeldReservation): Promise<boolean> {
    return Number(await this.#run(releaseScript, held, [held.lease, held.id])) === 1
  }

  async claimLapsed({ scope, lease, leaseMs, limit }: LapsedQuery): Promise<LapsedEvent[]> {
    const args = [lease, String(leaseMs), String(limit)]
    const found = listOf(await this.#run(claimLapsedScript, { scope, id: '' }, args))
    return found.map((row) => {
      const [id, attempt, fingerprint, record] = listOf(row)
      return { id: String(id), attempt: Number(attempt), fingerprint: String(fingerprint), record: String(record) }
    })
  }

  #run(script: RedisScript, { scope, id }: ReservationKey, args: readonly string[]): Promise<unknown> {
    const tagged = `${this.#prefix}:{${scope}}`
    return this.#send(['EVAL', script(this.#now()), '2', `${tagged}:event:${id}`, `${tagged}:lapsing`, ...args])
  }
}

function listOf(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply
  throw unreadable()
}

function unreadable(): PosthornError {
  return new PosthornError('STORAGE_FAILED', 'The Redis client answered a script with something other than its reply.')
}

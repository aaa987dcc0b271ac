import { Queue, Worker, type ConnectionOptions } from 'bullmq'
import type {
  Hint,
  HintPublisher,
  HintSubscriber,
  HintSubscription,
  Transport,
  TransportListener,
} from '../delivery/transport.ts'
import { closeQueue, closeWorker } from './bullmq-closing.ts'
import type { BullMq, BullMqJob } from './bullmq-classes.ts'
import { errorLimiter } from './error-limiter.ts'
import { warnUnlessDurable } from './redis-durability.ts'

/** What a {@link bullmqTransport} is made of. */
export interface BullmqTransportOptions {
  /**
   * Where Redis is, as BullMQ takes it: options of ioredis, or a client of yours, which is left open. A client that workers are to use needs
   * `maxRetriesPerRequest: null`.
   */
  readonly connection: ConnectionOptions
  /** The queue that carries the hints, without colons; `posthorn` unless given. One for each storage; nothing else may write to it. */
  readonly queueName?: string
  /** What the keys in Redis begin with; `bull` unless given, as with BullMQ. On a cluster it needs a hash tag: `{bull}`. */
  readonly prefix?: string
  /** How many finished jobs stay to be looked at, of the completed and of the failed ones, 0 to 1,000,000; 1,000 unless given. */
  readonly keepJobs?: number
  /**
   * The longest wait that becomes a delayed job, 0 to 2,592,000,000 ms (30 days); 60,000 unless given. A delayed job takes some 1,200 bytes of
   * Redis for as long as it waits. What is due later is left to the sweeper, which makes a job of it up to `pollIntervalMs` and a second late.
   */
  readonly maxDelayMs?: number
  /** Whether to look at start whether Redis keeps anything over a restart, and to warn where it does not; true unless given. */
  readonly checkDurability?: boolean
  /** The BullMQ to use, where several are installed; the one that `posthorn` finds unless given. */
  readonly bullmq?: BullMq
}

const known = new Set<keyof BullmqTransportOptions>([
  'connection',
  'queueName',
  'prefix',
  'keepJobs',
  'maxDelayMs',
  'checkDurability',
  'bullmq',
])

/**
 * Creates a transport over a BullMQ queue (BullMQ 5 or 6) in a Redis that you already run. A job is a hint: it carries the id of a delivery and
 * nothing else. Storage stays the truth, so a job that is lost, repeated or out of date changes nothing but when a delivery is begun.
 * A job lasts as long as the first attempt it leads to, and returns what became of the delivery: `succeeded`, `failed`, `cancelled`, `pending`
 * (a retry is scheduled), `waiting` (a retry follows within seconds, in the same process), `undue` (there was nothing to do), `returned`,
 * `released` or `lost`. What is due and has no job, because Redis lost it or a caller's transaction wrote it, gets one by the sweeper: its id ends
 * in `_sweep`, and it is removed when it ends.
 *
 * No option of it connects: {@link EventDispatcher.start} and the first dispatch do. Connections are closed by {@link EventDispatcher.stop},
 * which a process that only dispatches has to call too before it can end.
 *
 * @throws {TypeError} or {RangeError} naming the option that is wrong.
 */
export function bullmqTransport(options: BullmqTransportOptions): Transport {
  return new BullmqTransport(checked(options))
}

type Settings = Required<BullmqTransportOptions>

class BullmqTransport implements Transport {
  readonly name = 'bullmq'
  readonly #settings: Settings

  constructor(settings: Settings) {
    this.#settings = settings
  }

  connect({ onError }: TransportListener): HintPublisher {
    const { bullmq, connection, queueName, prefix } = this.#settings
    const queue = new bullmq.Queue(queueName, { connection, prefix })
    const report = errorLimiter(onError)
    queue.on('error', (error) => report(error, 'connection for publishing'))
    return {
      publish: async (hints) => {
        const jobs = hints.filter(({ delayMs }) => delayMs <= this.#settings.maxDelayMs).map((hint) => this.#job(hint))
        if (jobs.length > 0) await queue.addBulk(jobs)
      },
      isPaused: () => queue.isPaused(),
      close: () => closeQueue(queue, isClient(connection), report),
    }
  }

  subscribe({ concurrency, receive, onError }: HintSubscriber): HintSubscription {
    const { bullmq, connection, queueName, prefix, checkDurability } = this.#settings
    const report = errorLimiter(onError)
    const take = async ({ data }: BullMqJob) => {
      try {
        return await receive(deliveryIdOf(data))
      } catch (error) {
        report(error, 'take a hint')
        throw error
      }
    }
    const worker = new bullmq.Worker(queueName, take, { connection, prefix, concurrency })
    worker.on('error', (error) => report(error, 'connection for taking'))
    if (checkDurability) void warnUnlessDurable(worker)
    return {
      end: () => void worker.pause(true).catch((error: unknown) => report(error, 'stop')),
      close: () => closeWorker(worker, report),
    }
  }

  #job({ deliveryId, key, delayMs, isRepeat }: Hint) {
    // BullMQ drops a job with the id of one that it has, finished ones included.
    const keep = { count: isRepeat === true ? 0 : this.#settings.keepJobs }
    // BullMQ refuses colons in ids, which it builds its keys with.
    const opts = { jobId: key.replaceAll(':', '_'), removeOnComplete: keep, removeOnFail: keep }
    return { name: 'delivery', data: { deliveryId }, opts: delayMs > 0 ? { ...opts, delay: Math.ceil(delayMs) } : opts }
  }
}

// Whatever else is in the queue, say of somebody who took its name for another use, is no id.
function deliveryIdOf(data: unknown): unknown {
  return typeof data === 'object' && data !== null ? Reflect.get(data, 'deliveryId') : data
}

function checked(options: unknown): Settings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('bullmqTransport needs { connection }, for instance { connection: { host, port } }.')
  }
  for (const name of Object.keys(options)) {
    if (known.has(name as keyof BullmqTransportOptions)) continue // widened to ask
    throw new TypeError(`bullmqTransport has no option ${name}; known are ${[...known].join(', ')}.`)
  }
  const given = options as Partial<BullmqTransportOptions> // each is checked below
  const { checkDurability = true } = given
  if (typeof checkDurability !== 'boolean') {
    throw new TypeError(`checkDurability must be true or false, not ${String(checkDurability)}.`)
  }
  return Object.freeze({
    connection: connectionOf(given.connection),
    queueName: text('queueName', given.queueName ?? 'posthorn', /^[^:]{1,200}$/, '1 to 200 characters without colons'),
    prefix: text('prefix', given.prefix ?? 'bull', /^.{1,200}$/s, '1 to 200 characters'),
    keepJobs: integer('keepJobs', given.keepJobs ?? 1_000, 1_000_000),
    maxDelayMs: integer('maxDelayMs', given.maxDelayMs ?? 60_000, 30 * 86_400_000),
    checkDurability,
    bullmq: classesOf(given.bullmq ?? { Queue, Worker }),
  })
}

function connectionOf(connection: unknown): ConnectionOptions {
  if (typeof connection === 'object' && connection !== null) return connection // BullMQ itself looks at what is in it
  throw new TypeError(
    `connection must be connection options, for instance { host, port } or { url }, or a Redis client, not ${connection === null ? 'null' : typeof connection}.`,
  )
}

function classesOf(bullmq: BullMq): BullMq {
  if (typeof bullmq === 'object' && typeof bullmq.Queue === 'function' && typeof bullmq.Worker === 'function')
    return bullmq
  throw new TypeError('bullmq must be the module of BullMQ: an object with Queue and Worker.')
}

function text(name: string, value: unknown, pattern: RegExp, expected: string): string {
  if (typeof value === 'string' && pattern.test(value)) return value
  throw new TypeError(
    `${name} must be ${expected}, not ${typeof value === 'string' ? JSON.stringify(value) : typeof value}.`,
  )
}

function integer(name: string, value: unknown, max: number): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${String(value)}.`)
  if (Number.isInteger(value) && value >= 0 && value <= max) return value
  throw new RangeError(`${name} must be an integer from 0 to ${max}, not ${value}.`)
}

function isClient(connection: ConnectionOptions): boolean {
  return 'connect' in connection && typeof connection.connect === 'function'
}
